<?php
/**
 * Plugin Name: Broken Page
 * Description: Can be activated, and breaks every page: to see how the fleet takes it back.
 * Version: 1.0.0
 */
defined('ABSPATH') || exit;

add_action('template_redirect', function () {
    throw new RuntimeException('This plugin breaks every page, on purpose.');
});
