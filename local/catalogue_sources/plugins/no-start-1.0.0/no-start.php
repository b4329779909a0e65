<?php
/**
 * Plugin Name: No Start
 * Description: Cannot be activated: to see how the fleet says so.
 * Version: 1.0.0
 */
defined('ABSPATH') || exit;

register_activation_hook(__FILE__, function () {
    throw new RuntimeException('This plugin does not start, on purpose.');
});
