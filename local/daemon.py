"""The supervisor: one process that watches tasks and services and runs the front proxy.

`python -m local.daemon`, started by `local up` when everything that it needs is there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial

from local import https_front, sweeping
from local.cloud import Cloud, clouds
from local.function_metrics import FunctionMetrics
from local.layout import Layout
from local.processes import Processes
from local.proxy import Proxy
from local.routing import Routing
from local.services import ServiceWatcher
from local.site_logs import SiteLogs
from local.state import Machine
from local.tasks import Surroundings, TaskWatcher
from local.traffic import Traffic
from local.vitals import Vitals

TASKS_SECONDS = 0.15
SERVICES_SECONDS = 0.3
SWEEP_SECONDS = 5.0
TRAFFIC_SECONDS = 1.0
VITALS_SECONDS = 2.0
FUNCTION_METRICS_SECONDS = 3.0
SITE_LOGS_SECONDS = 1.0
AFTER_ERROR_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Supervisor:
    """Everything that runs beside the emulator and the databases."""

    def __init__(self, layout: Layout, machine: Machine) -> None:
        self._machine = machine
        self._layout = layout
        self._clouds = clouds(machine.endpoint)
        self._stopping = threading.Event()
        self._traffic = Traffic()
        self._threads: list[threading.Thread] = []
        processes = Processes(layout.processes, layout.logs)
        surroundings = Surroundings(
            layout=layout,
            load_balancers={
                platform.load_balancer_dns: machine.proxy_port
                for platform in machine.platforms.values()
            },
        )
        self._tasks: list[TaskWatcher] = []
        self._services: list[ServiceWatcher] = []
        self._vitals: list[Vitals] = []
        self._site_logs: list[SiteLogs] = []
        for name, platform in machine.platforms.items():
            cloud = self._clouds[name]
            known = {arn.rpartition("/")[2] for arn in _clusters(cloud)}
            self._tasks += [
                TaskWatcher(cloud, cluster, processes, surroundings)
                for cluster in (platform.cluster, platform.export_cluster)
                if cluster in known
            ]
            site_logs = SiteLogs(cloud)
            self._site_logs.append(site_logs)
            self._services.append(
                ServiceWatcher(cloud, platform.cluster, layout, processes, site_logs)
            )
            self._vitals.append(Vitals(cloud, platform, layout))

    async def run(self) -> None:
        """Work until the process is asked to end, then stop what was started."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        routing = Routing(self._clouds, self._machine.platforms)
        server = await Proxy(routing, self._traffic).listen(self._machine.proxy_port)
        front = await https_front.listen(
            self._layout, self._machine.https_port, self._machine.endpoint
        )
        self._start_threads()
        logger.info("The front proxy listens on port %d", self._machine.proxy_port)
        await ended.wait()
        server.close()
        front.close()
        await asyncio.to_thread(self._stop)

    def _start_threads(self) -> None:
        for tasks in self._tasks:
            self._repeat(tasks.tick, TASKS_SECONDS)
        for services in self._services:
            self._repeat(services.tick, SERVICES_SECONDS)
        for cloud in self._clouds.values():
            self._repeat(partial(sweeping.tick, cloud), SWEEP_SECONDS)
        for vitals in self._vitals:
            self._repeat(vitals.tick, VITALS_SECONDS)
        for cloud in self._clouds.values():
            self._repeat(FunctionMetrics(cloud).tick, FUNCTION_METRICS_SECONDS)
        for site_logs in self._site_logs:
            self._repeat(site_logs.tick, SITE_LOGS_SECONDS)
        self._repeat(partial(self._traffic.publish, self._clouds), TRAFFIC_SECONDS)

    def _repeat(self, work: Callable[[], None], pause: float) -> None:
        thread = threading.Thread(target=self._loop, args=(work, pause), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _loop(self, work: Callable[[], None], pause: float) -> None:
        while not self._stopping.wait(pause):
            try:
                work()
            except Exception:
                # A watcher must outlive everything it watches; it looks again in a moment.
                logger.exception("A watcher's round failed")
                self._stopping.wait(AFTER_ERROR_SECONDS)

    def _stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(2)
        closers = [watcher.close for watcher in self._tasks]
        closers += [watcher.close for watcher in self._services]
        for close in closers:
            try:
                close()
            except Exception:
                # `down` ends what is left by its process record.
                logger.exception("A watcher did not close")


def main() -> None:
    """Run the supervisor of the home that the environment names."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    layout = Layout.from_environ(os.environ)
    asyncio.run(Supervisor(layout, Machine.load(layout)).run())


def _clusters(cloud: Cloud) -> list[str]:
    return cloud.ecs.list_clusters()["clusterArns"]


if __name__ == "__main__":
    main()
