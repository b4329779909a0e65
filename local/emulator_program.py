"""Runs MiniStack, and lets it authorise the way AWS does where its own rules are coarser.

MiniStack checks signatures, sessions, trust policies, and identity, session and bucket policies.
This program adds the rules of local/authorization.py, compares aws:PrincipalArn with the role (and
not with its session), fills in policy variables, and judges another account's bucket by who asks.

It runs in MiniStack's own environment: `python -P -m local.emulator_program`, the checkout on
PYTHONPATH for these modules alone.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from local.authorization import RULES, Call, Check
from local.decision_log import note_decisions
from local.emulator_images import keep_layers, keep_shared_images
from local.emulator_listeners import complete_listeners
from local.emulator_logs import find_any_term
from local.emulator_services import report_failed_deployments
from local.emulator_upkeep import (
    evict_seldom,
    list_living_tasks,
    receive_the_first,
    remember_expressions,
)

_ASSUMED = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_NOTHING = "\0"
"""Stands for a variable without a value: it matches no resource and equals no value."""

_pending: ContextVar[tuple[Check, ...]] = ContextVar("sitefleet_checks", default=())
_denied: ContextVar[Check | None] = ContextVar("sitefleet_denied", default=None)
_caller: ContextVar[Any] = ContextVar("sitefleet_caller", default=None)
_counted: ContextVar[bool] = ContextVar("sitefleet_counted", default=False)
_foreign: ContextVar[bool] = ContextVar("sitefleet_foreign", default=False)


def install(actions: Any, evaluator: Any, s3: Any) -> None:
    """Put the rules between MiniStack's router and its evaluator."""
    _ask_about_resources(actions, evaluator)
    _name_what_was_denied(actions)
    _resolve_keys(evaluator)
    _fill_in_variables(evaluator)
    _show_the_caller_to_foreign_buckets(evaluator, s3)


def _ask_about_resources(actions: Any, evaluator: Any) -> None:
    resource_of, enforce = actions.extract_resource_arn, evaluator.enforce

    def extract_resource_arn(service: str, *request: Any) -> Any:
        """The request: method, path, headers, body, query, region, account."""
        _, path, _, body, query, region, account = request
        _caller.set(None)
        action = actions.extract_iam_action(service, *request[:5])
        rule = RULES.get(service) if action else None
        call = Call(
            action=action or "",
            path=path,
            body=_document(body),
            query=query,
            region=region,
            account=account,
        )
        _pending.set(tuple(rule(call)) if rule else ())
        return resource_of(service, *request)

    def enforce_all(key: str, action: str, *place: str, **about: Any) -> Any:
        """The place: service and region; about: resource and context of MiniStack's own check."""
        checks, _ = _pending.get(), _pending.set(())
        if not checks or checks[0].action not in {action, action.removesuffix("Batch")}:
            return enforce(key, action, *place, **about)
        for check in checks:
            context = {**(about.get("service_context") or {}), **check.context}
            refused = enforce(
                key, check.action, *place, resource_arn=check.resource, service_context=context
            )
            if refused:
                _denied.set(check)
                return refused
        return None

    actions.extract_resource_arn = extract_resource_arn
    evaluator.enforce = enforce_all


def _name_what_was_denied(actions: Any) -> None:
    respond = actions.access_denied_response

    def access_denied_response(service: str, action: str, *rest: Any, **named: Any) -> Any:
        check, _ = _denied.get(), _denied.set(None)
        return respond(service, check.action if check else action, *rest, **named)

    actions.access_denied_response = access_denied_response


def _resolve_keys(evaluator: Any) -> None:
    resolve = evaluator._resolve_condition_key  # noqa: SLF001  (the emulator's own evaluator)

    def resolve_condition_key(key: str, context: Any) -> Any:
        match key.lower():
            case "aws:principalarn":
                return _role_arn(context.principal_arn)
            case "aws:sourceaccount" if context.principal_type == "Root":
                return context.principal_account  # the emulator's root plays AWS's own services
            case _:
                return resolve(key, context)

    evaluator._resolve_condition_key = resolve_condition_key  # noqa: SLF001  (same)


def _show_the_caller_to_foreign_buckets(evaluator: Any, s3: Any) -> None:
    """Judge another account's bucket policy by who asks, not by the asking account's root."""
    resolve, judge = evaluator.resolve_principal, evaluator.evaluate_resource_policy
    allows = s3._foreign_bucket_allows  # noqa: SLF001  (the emulator's own check)

    def resolve_principal(*request: Any) -> Any:
        caller = resolve(*request)
        _caller.set(caller)
        return caller

    def foreign_bucket_allows(*request: Any) -> Any:
        marked = _foreign.set(True)
        try:
            return allows(*request)
        finally:
            _foreign.reset(marked)

    def evaluate_resource_policy(policy: Any, context: Any, *rest: Any, **named: Any) -> Any:
        caller = _caller.get() if _foreign.get() else None
        if caller is not None and getattr(caller, "account", "") == context.principal_account:
            context = replace(
                context,
                principal_arn=caller.arn,
                principal_type=caller.type,
                principal_keys=caller.keys,
            )
        return judge(policy, context, *rest, **named)

    evaluator.resolve_principal = resolve_principal
    evaluator.evaluate_resource_policy = evaluate_resource_policy
    s3._foreign_bucket_allows = foreign_bucket_allows  # noqa: SLF001  (same)


def _role_arn(principal: str) -> str:
    """AWS compares aws:PrincipalArn with the role, not with its session."""
    session = _ASSUMED.fullmatch(principal)
    return f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else principal


def _fill_in_variables(evaluator: Any) -> None:
    first_match, conditions_met = evaluator._first_match, evaluator._conditions_met  # noqa: SLF001

    def filled(text: str, context: Any) -> str:
        def value_of(variable: re.Match[str]) -> str:
            value = evaluator._resolve_condition_key(variable[1], context)  # noqa: SLF001  (same)
            return value if isinstance(value, str) and not {"*", "?"} & set(value) else _NOTHING

        return _VARIABLE.sub(value_of, text)

    def first_match_filled(context: Any, statements: Sequence[Any], effect: str) -> Any:
        ready = [
            replace(s, resources=[filled(r, context) for r in s.resources])
            if any("${" in r for r in s.resources)
            else s
            for s in statements
        ]
        return first_match(context, ready, effect)

    def conditions_met_filled(conditions: Any, context: Any) -> Any:
        if "${" not in json.dumps(conditions):
            return conditions_met(conditions, context)
        ready = {
            operator: {
                key: [filled(v, context) for v in ([value] if isinstance(value, str) else value)]
                for key, value in keys.items()
            }
            for operator, keys in conditions.items()
        }
        return conditions_met(ready, context)

    evaluator._first_match = first_match_filled  # noqa: SLF001  (same)
    evaluator._conditions_met = conditions_met_filled  # noqa: SLF001  (same)


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def count_invocations(functions: Any) -> None:
    """Let invocations from queues appear in AWS/Lambda's metrics, as they do on AWS."""
    execute, emit = functions._execute_function, functions._emit_lambda_metrics  # noqa: SLF001

    def execute_and_count(function: dict[str, Any], event: Any) -> Any:
        if _counted.get() or not (isinstance(event, dict) and event.get("Records")):
            return execute(function, event)
        token = _counted.set(True)
        try:
            result = execute(function, event)
        finally:
            _counted.reset(token)
        if not result.get("throttle"):  # the emulator counts that one itself
            name = (function.get("config") or function).get("FunctionName", "unknown")
            emit(name, duration_ms=0.0, error=bool(result.get("error")), throttle=False)
        return result

    functions._execute_function = execute_and_count  # noqa: SLF001


def main() -> None:
    """Run MiniStack with these rules; its functions' processes see nothing of the checkout."""
    checkout = os.environ.pop("PYTHONPATH", "")
    sys.path = [path for path in sys.path if path != checkout]
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    note_decisions(evaluator)
    install(
        importlib.import_module("ministack.core.iam_actions"),
        evaluator,
        importlib.import_module("ministack.services.s3"),
    )
    complete_listeners(importlib.import_module("ministack.services.alb"))
    containers = importlib.import_module("ministack.services.ecs")
    report_failed_deployments(containers)
    list_living_tasks(containers)
    registry = importlib.import_module("ministack.services.ecr")
    keep_layers(registry)
    keep_shared_images(registry)
    find_any_term(importlib.import_module("ministack.services.cloudwatch_logs"))
    count_invocations(importlib.import_module("ministack.services.lambda_svc"))
    evict_seldom(importlib.import_module("ministack.services.cloudwatch"))
    remember_expressions(importlib.import_module("ministack.services.dynamodb"))
    receive_the_first(importlib.import_module("ministack.services.sqs"))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
