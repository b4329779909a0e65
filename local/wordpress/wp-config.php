<?php
/**
 * WordPress' configuration on one machine: everything comes from the environment that the release's
 * task definition sets, as in the container.
 */

function sitefleet_secret(string $name): array
{
    $values = json_decode((string) getenv($name), true);
    if (!is_array($values)) {
        error_log("$name is not a JSON object: the container cannot start without it.");
        http_response_code(503);
        exit('This site is not configured.');
    }
    return $values;
}

$sitefleet_database = sitefleet_secret('WORDPRESS_DB_SECRET');
define('DB_HOST', $sitefleet_database['host'] . ':' . $sitefleet_database['port']);
define('DB_USER', $sitefleet_database['username']);
define('DB_PASSWORD', $sitefleet_database['password']);
define('DB_NAME', (string) getenv('WORDPRESS_DB_SCHEMA'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
// mysqlnd verifies the server's certificate against openssl.cafile.
define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL);
unset($sitefleet_database);

$sitefleet_salts = sitefleet_secret('WORDPRESS_SALTS_SECRET');
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY',
          'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $sitefleet_name) {
    define($sitefleet_name, (string) ($sitefleet_salts[$sitefleet_name] ?? ''));
}
unset($sitefleet_salts, $sitefleet_name);

// TLS ends at the load balancer.
if (($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {
    $_SERVER['HTTPS'] = 'on';
    $_SERVER['SERVER_PORT'] = '443';
}

define('WP_CONTENT_DIR', (string) getenv('WORDPRESS_CONTENT_DIR'));
define('WP_CACHE_KEY_SALT', (string) getenv('WORDPRESS_CACHE_PREFIX'));
define('FORCE_SSL_ADMIN', true);
define('DISALLOW_FILE_MODS', false);
define('FS_METHOD', 'direct');
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_AUTO_UPDATE_CORE', false);
define('WP_HTTP_BLOCK_EXTERNAL', true);
// WordPress would otherwise choose display_errors by itself; warnings belong in the log.
define('WP_DEBUG', false);
define('WP_DEBUG_DISPLAY', false);

$table_prefix = getenv('WORDPRESS_TABLE_PREFIX') ?: 'wp_';

if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
