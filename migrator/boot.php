<?php
/*
 * Begins a WordPress without a web server: the constants that wp-settings.php needs. Everything it
 * has to know comes as JSON on stdin (passwords are never arguments or environment).
 * Keys: core, content, url, host, port, username, secret, schema, prefix (default wp_), verify
 * (bool: TLS with a verified certificate; the CA is php's openssl.cafile), and the script's own.
 */
error_reporting(E_ALL);
ini_set('display_errors', 'stderr');

$in = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
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
// Of this process only. Without them WordPress would make some and keep them as options.
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
    define("{$name}_KEY", bin2hex(random_bytes(32)));
    define("{$name}_SALT", bin2hex(random_bytes(32)));
}
define('WP_DEBUG', false);
define('WP_DISABLE_FATAL_ERROR_HANDLER', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
$table_prefix = $in['prefix'] ?? 'wp_';

/** Nobody has asked for a mail, and there is no mail server here. */
function wp_mail() { return true; }
