<?php
/**
 * What the container's web server does: files are served as they are, everything else is WordPress.
 * The document root is a folder of links: WordPress' core, and the release's wp-content.
 */

$path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if (preg_match('#(^|/)\.#', $path) || str_contains($path, "\0")) {
    http_response_code(404);
    exit;
}
// Uploads never run as code, and wp-config.php is not a page.
if (preg_match('#^/wp-content/uploads/.*\.ph#i', $path) || $path === '/wp-config.php') {
    http_response_code(403);
    exit;
}

$file = $_SERVER['DOCUMENT_ROOT'] . $path;
if (is_file($file) || (is_dir($file) && is_file(rtrim($file, '/') . '/index.php') && $path !== '/')) {
    if (is_dir($file) && !str_ends_with($path, '/')) {
        header('Location: ' . $path . '/', true, 301);
        exit;
    }
    return false;
}

$_SERVER['SCRIPT_NAME'] = '/index.php';
$_SERVER['PHP_SELF'] = '/index.php';
$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/index.php';
unset($_SERVER['PATH_INFO']);
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
