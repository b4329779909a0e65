"""What the container job answers in a simulation: the facts of a small, healthy site."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.adapters.memory.world import World
from core.domain.backup_jobs import BackUpJob, ProveBackupJob, RemoveScratchJob, RemoveSiteJob
from core.domain.census import Census, ContentSummary, PageSummary
from core.domain.job_facts import (
    ContentFacts,
    CutOverFacts,
    ExportFacts,
    ImportFacts,
    InstallFacts,
    JobResult,
    Marks,
    ProbeFacts,
    ProofFacts,
    SalvageFacts,
    TargetCensusFacts,
    VerifyFacts,
)
from core.domain.job_models import Check, JobModel, ObjectLocation
from core.domain.jobs import (
    CensusJob,
    ContentJob,
    CutOverJob,
    DropDatabaseJob,
    ExportJob,
    ImportJob,
    InstallJob,
    JobDescription,
    ProbeJob,
    RemoveContentJob,
    RetireJob,
    SalvageJob,
    TargetCensusJob,
    VerifyJob,
    VerifySourceJob,
)
from core.domain.names import origin
from core.domain.policy import Policy
from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    ChangeWordPressJob,
    InstallPlugins,
    TakeBackWordPressJob,
    TakenBackFacts,
    UpdatePlugins,
    WordPressFacts,
)
from simulation.effects import Effects

DIGEST = "sha256:" + "d" * 64
FINE = Check(name="rights", passed=True, evidence="tried")
ELB = "arn:aws:elasticloadbalancing:af-south-1:536580886816"
TARGET_GROUP = f"{ELB}:targetgroup/wp-banana-r1/0123456789abcdef"
LOAD_BALANCER = f"{ELB}:loadbalancer/app/bbws-wp-internal-alb-dev/0123456789abcdef"
ROWS = {"wp_posts": 12, "wp_options": 140}


class JobPlayer:
    """Plays every kind of job against the simulated databases and directories."""

    def __init__(self, policy: Policy, effects: Effects, world: World) -> None:
        self._policy = policy
        self._effects = effects
        self._world = world

    def play(self, job: JobDescription) -> JobResult:
        """Do one job and report."""
        facts = self._facts(job)
        return JobResult(
            operation_id=job.operation_id,
            step=job.step,
            attempt=job.attempt,
            kind=job.kind,
            started_at="2026-11-21T08:00:00Z",
            completed_at="2026-11-21T08:00:01Z",
            facts=facts.model_dump(mode="json") if facts else {},
        )

    def _facts(self, job: JobDescription) -> JobModel | None:
        for play in (self._build, self._look, self._move_visitors, self._change_or_prove):
            facts = play(job)
            if facts is not None:
                return facts
        self._take_away(job)
        return None

    def _build(self, job: JobDescription) -> JobModel | None:
        """Play what fills a release: from a source, or anew."""
        match job:
            case ExportJob():
                return self._export(job)
            case ImportJob():
                self._effects.make_schema(job.database.schema_name)
                self._effects.users.add(job.site_id)
                return ImportFacts(rows=job.rows, replacements=40, broken_values=0, leftovers=0)
            case InstallJob():
                return self._install(job)
            case ContentJob():
                return self._content(job)
        return None

    def _look(self, job: JobDescription) -> JobModel | None:
        """Play what only looks."""
        match job:
            case CensusJob():
                return self._census(job)
            case TargetCensusJob():
                return TargetCensusFacts(tables=ROWS if job.database else {}, rights=[FINE])
            case ProbeJob():
                return _probed(job)
            case VerifyJob() | VerifySourceJob():
                fine = Check(name="front-page", passed=True, evidence="200")
                if isinstance(job, VerifySourceJob):
                    return VerifyFacts(passed=True, checks=[fine])
                return VerifyFacts(
                    passed=True, checks=[fine], wordpress_api_ms=45, wordpress_requests=1
                )
        return None

    def _move_visitors(self, job: JobDescription) -> JobModel | None:
        """Play what leads visitors to another release, and what looks after their rows."""
        match job:
            case CutOverJob():
                return self._cut_over(job)
            case SalvageJob():
                return SalvageFacts()
        return None

    def _change_or_prove(self, job: JobDescription) -> JobModel | None:
        """Play what changes a WordPress, or takes a backup of it and proves that."""
        match job:
            case ChangeWordPressJob():
                return self._change(job)
            case TakeBackWordPressJob():
                key = (job.operation_id, job.savepoint)
                schema = job.database.schema_name
                return TakenBackFacts(restored=self._effects.take_wordpress_back(key, schema))
            case BackUpJob():
                return self._back_up(job)
            case ProveBackupJob():
                return ProofFacts(tables=2, rows=152, files=3, digests={"wp_posts": "12:abc"})
        return None

    def _take_away(self, job: JobDescription) -> None:
        """Play what removes something; it has nothing to report."""
        match job:
            case DropDatabaseJob():
                self._effects.drop_schema(job.database.schema_name)
                if job.drop_user:
                    self._effects.users.discard(job.site_id)
            case RemoveContentJob():
                self._effects.remove_directory(job.content_root)
            case RemoveScratchJob():
                self._effects.drop_schema(job.scratch_schema)
            case RemoveSiteJob():
                self._effects.users.discard(job.site_id)
                self._remove(job)
            case RetireJob():
                self._remove(job)

    def _change(self, job: ChangeWordPressJob) -> WordPressFacts:
        change = job.change
        key = (job.operation_id, job.savepoint)
        self._effects.change_wordpress(key, job.database.schema_name, change)
        brings = InstallPlugins | UpdatePlugins | ApplyTemplate
        plugins = change.plugins if isinstance(change, brings) else []
        return WordPressFacts(
            template=change.template_id if isinstance(change, ApplyTemplate) else None,
            theme=change.theme if isinstance(change, ChangeTheme | ApplyTemplate) else None,
            plugins={plugin.slug: plugin.version for plugin in plugins},
        )

    def _remove(self, job: RetireJob | RemoveSiteJob) -> None:
        for database in job.databases:
            self._effects.drop_schema(database.schema_name)
        for root in job.content_roots:
            self._effects.remove_directory(root)

    def _census(self, job: CensusJob) -> Census:
        subdomain = job.site_id.removeprefix("site-")
        domain = self._policy.environments[job.environment].domain
        return Census(
            tenant_id=job.tenant_id,
            site_id=job.site_id,
            environment=job.environment,
            site_name="Banana",
            subdomain=subdomain,
            site_url=origin(subdomain, domain),
            release=1,
            site_version=1,
            image_digest=DIGEST,
            wordpress_version="6.5",
            php_version="8.2",
            theme="twentytwentythree",
            permalinks="/%postname%/",
            tables=ROWS,
            content=ContentSummary(files=3, size_bytes=300),
            rights=[FINE],
            front_page=PageSummary(title="Banana", text_length=500),
            live_since=datetime(2026, 11, 1, tzinfo=UTC),
            target_group_arn=TARGET_GROUP,
            load_balancer_arn=LOAD_BALANCER,
            database_size_bytes=1_000_000,
        )

    def _cut_over(self, job: CutOverJob) -> CutOverFacts:
        marks = Marks(taken_at="2026-11-21T08:00:00Z", rows=ROWS)
        self._world.objects[job.marks.key] = marks.model_dump_json(by_alias=True).encode()
        rules = self._world.rules
        mine = [host for host, rule in rules.items() if rule.arn == job.rule_arn]
        for host in mine:
            rules[host] = replace(rules[host], target_group_arn=job.target_group_arn)
        return CutOverFacts(pointer_moved=bool(mine), held_seconds=0.1)

    @staticmethod
    def _export(job: ExportJob) -> ExportFacts:
        return ExportFacts(
            dump=ObjectLocation(bucket=job.destination.bucket, key=f"{job.destination.key}/dump"),
            dump_sha256="e" * 64,
            dump_size_bytes=1000,
            rows=ROWS,
            manifest_sha256="f" * 64,
            files=3,
            files_travelled=3,
            content_size_bytes=300,
            release=job.release,
        )

    def _back_up(self, job: BackUpJob) -> ExportFacts:
        """Leave dump and manifest where they are kept."""
        folder = job.destination.key
        for name in ("database.sql.zst", "manifest.json"):
            self._world.objects[f"{folder}/{name}"] = b"kept"
        dump = ObjectLocation(bucket=job.destination.bucket, key=f"{folder}/database.sql.zst")
        return ExportFacts(
            dump=dump,
            dump_sha256="e" * 64,
            dump_size_bytes=1000,
            rows=ROWS,
            manifest_sha256="f" * 64,
            files=3,
            files_travelled=3,
            content_size_bytes=300,
            release=job.release,
        )

    def _install(self, job: InstallJob) -> InstallFacts:
        self._effects.users.add(job.site_id)
        self._effects.make_schema(job.database.schema_name)
        self._effects.make_directory(job.content_root)
        return InstallFacts(
            wordpress_version=job.wordpress_version or "6.5",
            php_version="8.2",
            theme="twentytwentythree",
            tables=12,
            files=3,
        )

    def _content(self, job: ContentJob) -> ContentFacts:
        self._effects.make_directory(job.content_root)
        return ContentFacts(
            files=3, size_bytes=300, copied_from_live=0, manifest=job.manifest_destination
        )


def _probed(job: ProbeJob) -> ProbeFacts:
    return ProbeFacts(
        requests=60,
        failures=0,
        statuses={"200": 60},
        latency_median_ms=40,
        latency_p95_ms=90,
        window_seconds=job.window_seconds,
    )
