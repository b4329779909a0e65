<?php
/**
 * Plugin Name: Ribbon
 * Description: Another line of text; it does not go together with Notice Banner.
 * Version: 1.0.0
 */
defined('ABSPATH') || exit;

add_action('wp_footer', function () {
    echo '<p class="ribbon">New!</p>';
});
