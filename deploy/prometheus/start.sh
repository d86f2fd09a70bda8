#!/bin/sh
# Starts Prometheus with what only this installation knows: METRICS_TOKEN, and in METRICS_TARGET where METRICS_PORT of the
# web service is, such as governance-web:9464.
set -eu
from=${PROMETHEUS_FROM:-/etc/prometheus}
run=${PROMETHEUS_RUN:-/tmp/prometheus}
umask 077
mkdir -p "$run"
cp -R "$from/rules" "$run/"
sed "s|web:9464|${METRICS_TARGET:?where the metrics of the web service are}|" "$from/prometheus.yml" > "$run/prometheus.yml"
printf %s "${METRICS_TOKEN:?the token of the web service}" > "$run/metrics-token"
exec "${PROMETHEUS_PROGRAM:-/bin/prometheus}" --config.file="$run/prometheus.yml" \
    --storage.tsdb.path="${PROMETHEUS_DATA:-/prometheus}" --storage.tsdb.retention.time=30d --web.listen-address=0.0.0.0:9090
