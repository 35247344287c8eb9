//! What a probe does: a request, a connection, a command.

use crate::{workload::ProbeKind, yaml::Value};

/// What a probe does: the entry of its handler, and its timeout where one was given.
pub(crate) type Handler = Vec<(Value, Value)>;

/// Whether a handler is content as soon as something listens.
pub(crate) fn is_plain_connection(handler: &Handler) -> bool {
    handler.iter().any(|(key, _)| *key == Value::string("tcpSocket"))
}

/// A command of the sidecar's own image. It has to start each time, for which the usual second may be too little.
pub(super) fn exec<'w>(words: impl Iterator<Item = &'w str>) -> Handler {
    let words = words.map(Value::string).collect();
    let command = vec![(Value::string("command"), Value::Sequence(words))];
    vec![
        (Value::string("exec"), Value::Mapping(command)),
        (Value::string("timeoutSeconds"), Value::Integer("5".to_owned())),
    ]
}

pub(super) fn http_get(path: &str, port: u16) -> Handler {
    let fields = vec![
        (Value::string("path"), Value::string(path)),
        (Value::string("port"), Value::Integer(port.to_string())),
    ];
    vec![(Value::string("httpGet"), Value::Mapping(fields))]
}

/// The kubelet does not check the certificate (core/v1 HTTPGetAction).
pub(super) fn https_get(path: &str, port: u16) -> Handler {
    let mut handler = http_get(path, port);
    if let Some((_, Value::Mapping(fields))) = handler.first_mut() {
        fields.push((Value::string("scheme"), Value::string("HTTPS")));
    }
    handler
}

/// Kubernetes has gRPC probes since 1.24, on by default (KEP-2727).
pub(super) fn grpc(port: u16, service: &str) -> Handler {
    let mut fields = vec![(Value::string("port"), Value::Integer(port.to_string()))];
    if !service.is_empty() {
        fields.push((Value::string("service"), Value::string(service)));
    }
    vec![(Value::string("grpc"), Value::Mapping(fields))]
}

pub(super) fn tcp_socket(port: u16) -> Handler {
    let fields = vec![(Value::string("port"), Value::Integer(port.to_string()))];
    vec![(Value::string("tcpSocket"), Value::Mapping(fields))]
}

/// The whole probe of a handler. A startup probe gets its budget; a readiness probe keeps asking anyway.
pub(crate) fn probe_value(handler: &Handler, kind: ProbeKind, attempts: u32) -> Value {
    let mut fields = handler.clone();
    fields.push((Value::string("periodSeconds"), Value::Integer("1".to_owned())));
    if kind == ProbeKind::Startup {
        fields.push((
            Value::string("failureThreshold"),
            Value::Integer(attempts.to_string()),
        ));
    }
    Value::Mapping(fields)
}
