<?php
/**
 * Plugin Name: Slow Start
 * Description: Never comes to the end of its activation: to see how the fleet stops it.
 * Version: 1.0.0
 */
defined('ABSPATH') || exit;

register_activation_hook(__FILE__, function () {
    sleep(3600);
});
