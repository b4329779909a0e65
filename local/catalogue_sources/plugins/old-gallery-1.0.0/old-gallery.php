<?php
/**
 * Plugin Name: Old Gallery
 * Description: Does nothing; the catalogue knows a vulnerability of its versions before 1.2.0.
 * Version: 1.0.0
 */
defined('ABSPATH') || exit;
