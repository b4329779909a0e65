<?php
/*
 * Installs WordPress into an empty schema; it answers with JSON on stdout.
 * Keys beside boot.php's: title, theme, user, email, password.
 */
require __DIR__ . '/boot.php';
define('WP_INSTALLING', true);

function wp_new_blog_notification() {}

require ABSPATH . 'wp-settings.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

wp_install($in['title'], $in['user'], $in['email'], true, '', $in['password']);

$theme = $in['theme'];
if ($theme === null) {
    $installed = array_keys(wp_get_themes());
    $theme = in_array(WP_DEFAULT_THEME, $installed, true) ? WP_DEFAULT_THEME : end($installed);
}
if (!$theme || !wp_get_theme($theme)->exists()) {
    fwrite(STDERR, 'error: the theme ' . json_encode($theme) . " is not among the themes\n");
    exit(3);
}
switch_theme($theme);

update_option('siteurl', $in['url']);
update_option('home', $in['url']);
global $wp_rewrite;
$wp_rewrite->init();
$wp_rewrite->set_permalink_structure('/%postname%/');
$wp_rewrite->flush_rules(false);

echo json_encode([
    'version' => get_bloginfo('version'),
    'php' => PHP_VERSION,
    'theme' => get_stylesheet(),
    'tables' => count($wpdb->get_col('SHOW TABLES')),
], JSON_THROW_ON_ERROR), "\n";
