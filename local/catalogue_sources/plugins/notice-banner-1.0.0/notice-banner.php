<?php
/**
 * Plugin Name: Notice Banner
 * Description: Shows a line of text on every page. Options: notice_banner_text.
 * Version: 1.0.0
 * Requires at least: 6.0
 * Requires PHP: 8.0
 */
defined('ABSPATH') || exit;

register_activation_hook(__FILE__, function () {
    global $wpdb;
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    add_option('notice_banner_text', 'Welcome!');
    dbDelta("CREATE TABLE {$wpdb->prefix}notice_banner_clicks (
        id bigint unsigned NOT NULL AUTO_INCREMENT,
        clicked_at datetime NOT NULL,
        PRIMARY KEY  (id)
    ) {$wpdb->get_charset_collate()};");
});

add_action('wp_footer', function () {
    $text = esc_html(get_option('notice_banner_text', ''));
    echo "<p class=\"notice-banner\" data-version=\"1.0.0\">$text</p>";
});
