<?php
add_theme_support('title-tag');
add_action('wp_enqueue_scripts', function () {
    wp_enqueue_style('shop-window', get_stylesheet_uri(), [], '1.0.0');
});
