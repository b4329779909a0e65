<?php
/*
 * Installs WordPress into an empty schema, without a web server. Everything it has to know comes as
 * JSON on stdin (passwords are never arguments or environment); it answers with JSON on stdout.
 * Keys: core, content, url, title, theme, user, email, password, host, port, username, secret,
 * schema, verify (bool: TLS with a verified certificate; the CA is php's openssl.cafile).
 */
error_reporting(E_ALL);
ini_set('display_errors', 'stderr');

$in = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
$address = parse_url($in['url']);

$_SERVER['HTTP_HOST'] = $address['host'] . (isset($address['port']) ? ':' . $address['port'] : '');
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
$_SERVER['HTTPS'] = $address['scheme'] === 'https' ? 'on' : '';

define('ABSPATH', rtrim($in['core'], '/') . '/');
define('WP_CONTENT_DIR', rtrim($in['content'], '/'));
define('WP_CONTENT_URL', $in['url'] . '/wp-content');
define('WP_SITEURL', $in['url']);
define('DB_HOST', $in['host'] . ':' . $in['port']);
define('DB_NAME', $in['schema']);
define('DB_USER', $in['username']);
define('DB_PASSWORD', $in['secret']);
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
if ($in['verify']) {
    // 1 << 30 is the client flag "verify the server's certificate"; mysqli names it nowhere.
    define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | (1 << 30));
}
define('WP_INSTALLING', true);
define('WP_DEBUG', false);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
$table_prefix = 'wp_';

/** A fresh site sends no mail: nobody has asked for one, and there is no mail server here. */
function wp_mail() { return true; }
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
