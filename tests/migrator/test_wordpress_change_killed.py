"""kill -9 in the middle of a change: a file of its own, because no fake of AWS may be at work."""

import os
import signal
import time

from tests.migrator.plugin_site import PluginSite
from tests.migrator.test_wordpress_change_kills import BUSY, require_whole_again


def test_a_job_that_is_killed_for_good_is_taken_back(remote_fleet):
    """kill -9 of the job's process and of its WordPress, in the middle of an activation."""
    site = PluginSite(remote_fleet)
    before = site.state()
    busy = BUSY % "update_option('busy_pid', getmypid()); sleep(60);"
    asked = site.asked("install-plugins", plugins=[site.add_plugin("busy", busy)])
    program = remote_fleet.start("run", remote_fleet.describe("change-wordpress", **asked))
    end = time.monotonic() + 60
    while (found := site.option("busy_pid")) is None:
        assert time.monotonic() < end
        assert program.poll() is None, program.communicate()
        time.sleep(0.1)
    os.kill(program.pid, signal.SIGKILL)
    os.kill(int(found), signal.SIGKILL)
    program.communicate()
    site.customers_write()
    site.take_back("install-plugins")
    require_whole_again(site, before)
