"""Small JSON schemas of custom resources, by the fields that their projects document: nothing else may stand.

keda apis/keda/v1alpha1/scaledobject_types.go at 8b4f083ca, lws api/leaderworkerset/v1 at 060ab4d, kserve v1alpha2 at
aaac4e294, aibrix api/autoscaling/v1alpha1 at e3e10f9e, gateway-api-inference-extension api/v1 at 84436a96, the
Prometheus operator's monitoring.coreos.com/v1.
"""

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
ANY: Schema = {}


def record(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """An object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def many(items: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


def one_of(*words: str) -> Schema:
    return {"enum": list(words)}


TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
METADATA = record(
    ("name",),
    name={**TEXT, "pattern": "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"},
    namespace=TEXT,
    labels=TEXTS,
    annotations=TEXTS,
)
POLICY = record(
    ("type", "value", "periodSeconds"),
    type=one_of("Pods", "Percent"),
    value={"type": "integer", "minimum": 1},
    periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
)
RULES = record(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy=one_of("Max", "Min", "Disabled"),
    policies=many(POLICY),
    tolerance=ANY,
)
TRIGGER = record(
    ("type", "metadata"),
    type=TEXT,
    name=TEXT,
    metricType=one_of("AverageValue", "Value", "Utilization"),
    useCachedMetrics={"type": "boolean"},
    authenticationRef=ANY,
    metadata=record(
        ("serverAddress", "query", "threshold"),
        **dict.fromkeys(
            (
                "serverAddress query threshold activationThreshold namespace customHeaders queryParameters "
                "ignoreNullValues unsafeSsl authModes timeout"
            ).split(),
            TEXT,
        ),
    ),
)
KEDA_FIELDS: dict[str, Schema] = {
    "pollingInterval": {"type": "integer", "minimum": 1},
    "cooldownPeriod": COUNT,
    "initialCooldownPeriod": COUNT,
    "idleReplicaCount": COUNT,
    "fallback": record(
        ("failureThreshold", "replicas"),
        failureThreshold=COUNT,
        replicas=COUNT,
        behavior=one_of("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"),
    ),
    "advanced": record(
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=record(name=TEXT, behavior=record(scaleUp=RULES, scaleDown=RULES)),
        scalingModifiers=ANY,
    ),
    "triggers": many(TRIGGER),
}
TARGET = record(("name",), apiVersion=TEXT, kind=TEXT, name=TEXT, envSourceContainerName=TEXT)
POD = ANY  # held by kubernetes-validate, as a Pod's spec
TEMPLATE = record(("spec",), metadata=record(labels=TEXTS, annotations=TEXTS), spec=POD)
RULE = record(
    ("expr",),
    record=TEXT,
    alert=TEXT,
    expr=TEXT,
    labels=TEXTS,
    annotations=TEXTS,
    **{"for": {**TEXT, "pattern": r"^\d+[smh]$"}},
)

SPECS: dict[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): record(
        ("scaleTargetRef", "triggers"),
        scaleTargetRef=TARGET,
        minReplicaCount=COUNT,
        maxReplicaCount=COUNT,
        **KEDA_FIELDS,
    ),
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"): record(
        ("leaderWorkerTemplate",),
        replicas=COUNT,
        startupPolicy=one_of("LeaderCreated", "LeaderReady"),
        rolloutStrategy=record(
            type=one_of("RollingUpdate"),
            rollingUpdateConfiguration=record(partition=COUNT, maxUnavailable=ANY, maxSurge=ANY),
        ),
        networkConfig=record(subdomainPolicy=one_of("Shared", "UniquePerReplica")),
        leaderWorkerTemplate=record(
            ("workerTemplate",),
            leaderTemplate=TEMPLATE,
            workerTemplate=TEMPLATE,
            size={"type": "integer", "minimum": 1},
            restartPolicy=one_of("RecreateGroupOnPodRestart", "RecreateGroupAfterStart", "None"),
            subGroupPolicy=ANY,
            volumeClaimTemplates=ANY,
            persistentVolumeClaimRetentionPolicy=ANY,
        ),
    ),
    ("serving.kserve.io/v1alpha2", "LLMInferenceService"): record(
        ("model",),
        model=record(("uri",), uri=TEXT, name=TEXT, lora=ANY),
        replicas=COUNT,
        scaling=record(("maxReplicas",), minReplicas=COUNT, maxReplicas=COUNT, keda=record(**KEDA_FIELDS)),
        parallelism=record(tensor=COUNT, pipeline=COUNT, data=COUNT, dataLocal=COUNT, expert={"type": "boolean"}),
        template=POD,
        worker=POD,
        prefill=ANY,
        router=record(route=ANY, gateway=ANY, ingress=ANY, scheduler=ANY),
        baseRefs=ANY,
        rolloutStrategy=ANY,
        kvCacheOffloading=ANY,
        storageInitializer=ANY,
        tracing=ANY,
    ),
    ("autoscaling.aibrix.ai/v1alpha1", "PodAutoscaler"): record(
        ("scaleTargetRef", "maxReplicas", "metricsSources", "scalingStrategy"),
        scaleTargetRef=TARGET,
        subTargetSelector=ANY,
        minReplicas=COUNT,
        maxReplicas=COUNT,
        schedules=ANY,
        metricsSources=many(
            record(
                ("metricSourceType", "targetMetric", "targetValue"),
                metricSourceType=one_of("pod", "resource", "custom", "external", "domain"),
                **dict.fromkeys("protocolType endpoint path port targetMetric targetValue".split(), TEXT),
            )
        ),
        observeWindowSeconds=COUNT,
        panicWindowSeconds=COUNT,
        scalingStrategy=one_of("HPA", "KPA", "APA"),
    ),
    ("inference.networking.k8s.io/v1", "InferencePool"): record(
        ("selector", "targetPorts", "endpointPickerRef"),
        selector=record(("matchLabels",), matchLabels=TEXTS),
        targetPorts={**many(record(("number",), number=COUNT)), "maxItems": 8, "uniqueItems": True},
        appProtocol=one_of("http", "kubernetes.io/h2c"),
        endpointPickerRef=record(
            ("name", "port"),
            group=TEXT,
            kind=TEXT,
            name=TEXT,
            port=record(("number",), number=COUNT),
            failureMode=one_of("FailOpen", "FailClose"),
        ),
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): record(
        ("selector", "podMetricsEndpoints"),
        selector=record(matchLabels=TEXTS),
        podMetricsEndpoints=many(record(port=TEXT, path={**TEXT, "pattern": "^/"}, interval=TEXT)),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): record(
        ("groups",), groups=many(record(("name", "rules"), name=TEXT, rules=many(RULE, 0), interval=TEXT))
    ),
}
"""By API version and kind: the schema of an object's spec."""


def schema_of(api_version: str, kind: str) -> Schema | None:
    """Return the schema of a custom resource; None where it is none of these."""
    spec = SPECS.get((api_version, kind))
    return spec and record(
        ("apiVersion", "kind", "metadata", "spec"), apiVersion=TEXT, kind=TEXT, metadata=METADATA, spec=spec
    )
