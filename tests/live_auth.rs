//! Every way to log in that a kubeconfig can hold, against servers on the loopback interface: over TLS where it
//! takes TLS. In-cluster is tested in a pod, by `live_cluster`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code outside of test functions"
)]

#[path = "support/listing.rs"]
mod listing;
#[path = "support/secure.rs"]
mod secure;
#[path = "support/tell.rs"]
mod tell;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use listing::{Listing, Run, Script};
use secure::{Authority, Request};
use serde_json::{Value, json};

/// Tokens that end in 2100 and in 2001.
const VALID: &str = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.valid";
const EXPIRED: &str = "e30.eyJleHAiOjEwMDAwMDAwMDB9.expired";

/// A cluster with one Job that never completes, which takes one token, or any.
fn cluster(token: Option<&str>) -> Listing {
    let containers = json!([
        {"name": "app", "image": "registry.example.com/app:1", "command": ["/app/run"]},
        {"name": "cloud-sql-proxy", "image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0"},
    ]);
    let job = json!({"metadata": {"name": "hangs"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": containers}}}});
    Listing::start(Script {
        token: token.map(str::to_owned),
        ..Script::default().with("jobs", [job])
    })
}

fn saw_all(run: &Run) {
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.findings(), ["shop/job/hangs job-never-completes"], "{run:?}");
    assert!(run.unseen().is_empty(), "{run:?}");
}

/// Nothing was seen, which is no clean cluster; gives what was said of it.
fn saw_nothing(run: &Run) -> String {
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.workloads().is_empty(), "{run:?}");
    run.unseen().join("\n")
}

fn lint(kubeconfig: &Path, more: &[&str]) -> Run {
    lint_with(kubeconfig, more, None)
}

/// Lints as somebody whose system trusts an authority.
fn lint_with(kubeconfig: &Path, more: &[&str], trusted: Option<&Path>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
    command
        .args(["lint", "--no-config", "-o", "json"])
        .args(more)
        .env("KUBECONFIG", kubeconfig);
    if let Some(file) = trusted {
        command.env("SSL_CERT_FILE", file);
    }
    let output = command.output().unwrap();
    Run {
        out: String::from_utf8(output.stdout).unwrap(),
        notes: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

/// A named pipe, where the machine can make one.
fn fifo(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.fifo", std::process::id()));
    let made = Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        tell::skip("mkfifo", "there is no mkfifo");
        return None;
    }
    Some(path)
}

/// A kubeconfig whose server is reached by TLS.
fn kubeconfig(name: &str, address: &str, authority: &Path, user: &Value) -> PathBuf {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "loopback",
        "clusters": [{"name": "loopback", "cluster": {
            "server": format!("https://{address}"), "certificate-authority": authority}}],
        "users": [{"name": "somebody", "user": user}],
        "contexts": [{"name": "loopback", "context": {
            "cluster": "loopback", "user": "somebody", "namespace": "shop"}}],
    });
    file(&format!("kubeconfig-{name}"), &config.to_string())
}

/// A user whose credentials a program gives.
fn plugin(name: &str, status: &Value) -> Value {
    let credential =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status});
    let answer = file(&format!("credential-{name}"), &credential.to_string());
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", "printf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$1.asked\"; cat \"$1\"", "plugin", answer],
        "env": [{"name": "AWS_PROFILE", "value": "shop"}], "interactiveMode": "Never"}})
}

#[test]
fn tokens_given_by_a_plugin_or_a_file_or_written_down() {
    let server = cluster(Some("secret"));
    let user = plugin("token", &json!({"token": "secret"}));
    saw_all(&lint(&server.kubeconfig("plugin", "http", &user), &[]));
    let answer = user["exec"]["args"][3].as_str().unwrap();
    let asked: Value =
        serde_json::from_str(&std::fs::read_to_string(format!("{answer}.asked")).unwrap()).unwrap();
    assert_eq!(asked["kind"], "ExecCredential");
    assert_eq!(asked["spec"]["interactive"], false);
    // One that is about to expire is asked for again, and again.
    let soon = plugin(
        "soon",
        &json!({"token": "secret", "expirationTimestamp": "2001-01-01T00:00:00Z"}),
    );
    saw_all(&lint(&server.kubeconfig("soon", "http", &soon), &[]));

    let token = file("token", "secret");
    saw_all(&lint(
        &server.kubeconfig("file", "http", &json!({"tokenFile": token})),
        &[],
    ));
    saw_all(&lint(
        &server.kubeconfig("token", "http", &json!({"token": "secret"})),
        &[],
    ));
    let basic = cluster(Some("Basic c29tZWJvZHk6c3dvcmRmaXNo"));
    let user = json!({"username": "somebody", "password": "swordfish"});
    saw_all(&lint(&basic.kubeconfig("basic", "http", &user), &[]));
}

/// Such a token made tower-http panic.
#[test]
fn a_token_that_no_header_holds_is_an_error() {
    let server = cluster(None);
    let written = server.kubeconfig("broken", "http", &json!({"token": "a\nb"}));
    let given = server.kubeconfig("given", "http", &plugin("broken", &json!({"token": "a\nb"})));
    for kubeconfig in [written, given] {
        let run = lint(&kubeconfig, &[]);
        let said = format!("{run:?}");
        assert!(matches!(run.code, Some(2 | 3)), "{said}");
        assert!(said.contains("the token holds a line break"), "{said}");
        // It is found before it is used: the release build ends at a panic, and nothing could be said.
        assert!(!said.contains("panicked"), "{said}");
    }
    let written = server.kubeconfig("as", "http", &json!({"as": "somebody", "as-groups": ["a\nb"]}));
    for (kubeconfig, flags) in [
        (written, &[][..]),
        (server.kubeconfig("flag", "http", &json!({})), &["--as", "a\nb"]),
    ] {
        let said = format!("{:?}", lint(&kubeconfig, flags));
        assert!(said.contains("to act as holds a line break"), "{said}");
    }
    assert!(server.requests().is_empty());
}

/// kube panics on the half of a character at the end.
#[test]
fn a_kubeconfig_in_utf_16_that_was_cut_off_is_an_error() {
    let path = file("kubeconfig-cut", "");
    for mark in [[0xFE, 0xFF], [0xFF, 0xFE]] {
        std::fs::write(&path, [&mark[..], b"abc"].concat()).unwrap();
        let by_flag = lint(
            Path::new("/nonexistent"),
            &["--kubeconfig", path.to_str().unwrap()],
        );
        for run in [lint(&path, &[]), by_flag] {
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.notes.contains("ends within a character"), "{run:?}");
            assert!(!run.notes.contains("panicked"), "{run:?}");
        }
    }
}

/// `--kubeconfig <(…)`: a pipe is read once, though its names are asked for later.
#[test]
fn a_kubeconfig_comes_through_a_pipe() {
    let server = cluster(None);
    let written = server.kubeconfig("piped", "http", &json!({"token": "any"}));
    let Some(fifo) = fifo("kubeconfig") else {
        return;
    };
    let writer = {
        let (fifo, text) = (fifo.clone(), std::fs::read(written).unwrap());
        std::thread::spawn(move || std::fs::write(fifo, text))
    };
    let run = lint(
        Path::new("/nonexistent"),
        &["--kubeconfig", fifo.to_str().unwrap()],
    );
    writer.join().unwrap().unwrap();
    std::fs::remove_file(&fifo).unwrap();
    saw_all(&run);
    assert!(
        run.out.contains("\"loopback\"") && !run.out.contains("in-cluster"),
        "{run:?}"
    );
}

#[test]
fn a_kubeconfig_without_an_end_is_an_error() {
    let run = lint(Path::new("/dev/zero"), &[]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.notes.contains("longer than 64 MiB"), "{run:?}");
}

/// As kubectl does, which looks for each of them.
#[test]
fn a_kubeconfig_of_several_that_is_not_there_is_passed_over() {
    let server = cluster(None);
    let there = server.kubeconfig("second", "http", &json!({"token": "any"}));
    let list = std::env::join_paths([Path::new("/nonexistent/config"), &there]).unwrap();
    saw_all(&lint(Path::new(&list), &[]));
    let run = lint(Path::new("/nonexistent/config:/nonexistent/other"), &[]);
    assert!(
        run.code == Some(2) && run.notes.contains("/nonexistent/config"),
        "{run:?}"
    );
}

/// What the reader of YAML shows of a kubeconfig may be a token.
#[test]
fn a_broken_kubeconfig_is_not_shown() {
    let kubeconfig = file(
        "kubeconfig-malformed",
        "users:\n- name: a\n  user: {token: geheim\n",
    );
    let run = lint(&kubeconfig, &[]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.notes.contains("kubeconfig: ") && run.notes.contains("line 3"),
        "{run:?}"
    );
    assert!(
        !run.notes.contains("geheim") && run.notes.lines().count() == 1,
        "{run:?}"
    );
}

#[test]
fn credentials_without_an_end_are_not_waited_for() {
    let server = cluster(None);
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "yes",
        "interactiveMode": "Never"}});
    let run = lint(&server.kubeconfig("yes", "http", &user), &[]);
    assert!(format!("{run:?}").contains("more than 1 MiB"), "{run:?}");
    let Some(fifo) = fifo("token") else {
        return;
    };
    let run = lint(
        &server.kubeconfig("fifo", "http", &json!({"tokenFile": fifo})),
        &[],
    );
    std::fs::remove_file(&fifo).unwrap();
    assert!(format!("{run:?}").contains("is no regular file"), "{run:?}");
}

/// One that is named by the kubeconfig, for the server or for the user, or by a flag.
#[test]
fn certificates_without_an_end_are_not_read() {
    let server = cluster(None);
    let endless = Path::new("/dev/zero");
    let plain = server.kubeconfig("endless", "http", &json!({"token": "any"}));
    let of_server = kubeconfig(
        "endless-authority",
        "localhost:1",
        endless,
        &json!({"token": "any"}),
    );
    let own = json!({"client-certificate": endless, "client-key": endless});
    for (kubeconfig, flags) in [
        (&of_server, &[][..]),
        (&server.kubeconfig("endless-user", "http", &own), &[]),
        (&plain, &["--certificate-authority", "/dev/zero"]),
        (
            &plain,
            &["--client-certificate=/dev/zero", "--client-key=/dev/zero"],
        ),
    ] {
        let run = lint(kubeconfig, flags);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.notes.contains("/dev/zero is no regular file"), "{run:?}");
    }
}

#[test]
fn a_plugin_that_fails_is_an_error() {
    let server = cluster(None);
    for (name, command, script, said) in [
        (
            "absent",
            "/no/such/plugin",
            "",
            "the credential plugin /no/such/plugin cannot be started: No such file",
        ),
        (
            "refuses",
            "sh",
            "echo hush; echo log in first >&2; exit 4",
            "the credential plugin sh failed (exit status: 4): log in first",
        ),
        (
            "chats",
            "sh",
            "echo hush",
            "the credential plugin sh gave no ExecCredential",
        ),
    ] {
        let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command,
            "args": ["-c", script], "interactiveMode": "Never"}});
        let run = lint(&server.kubeconfig(name, "http", &user), &[]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.notes.contains(said) && !run.notes.contains("hush"), "{run:?}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_flag_outweighs_what_the_kubeconfig_has() {
    let server = cluster(Some("secret"));
    let oidc = json!({"auth-provider": {"name": "oidc", "config": {"id-token": VALID}}});
    let basic = json!({"username": "somebody", "password": "swordfish"});
    for (name, user) in [
        ("exec", plugin("outweighed", &json!({"token": "other"}))),
        ("oidc", oidc),
        ("basic", basic),
    ] {
        let kubeconfig = server.kubeconfig(&format!("flag-{name}"), "http", &user);
        saw_all(&lint(&kubeconfig, &["--token", "secret"]));
    }
}

/// An issuer of tokens: what it is asked for at `/token` is answered by `answer`.
fn issuer(
    authority: &Authority,
    answer: impl Fn(&Request, &str) -> Vec<u8> + Send + Sync + 'static,
) -> secure::Secure {
    authority.serve(None, move |request| {
        let host = request
            .head
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap();
        match request.target() {
            "/.well-known/openid-configuration" => {
                secure::json(200, &json!({"token_endpoint": format!("https://{host}/token")}))
            }
            _ => answer(request, &request.body),
        }
    })
}

fn oidc(address: &str, more: &Value) -> Value {
    let mut config = json!({"idp-issuer-url": format!("https://{address}"), "client-id": "kubectl",
        "id-token": EXPIRED, "refresh-token": "refresh-me"});
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    json!({"auth-provider": {"name": "oidc", "config": config}})
}

#[test]
fn an_oidc_token_is_used_while_it_holds_and_refreshed_afterwards() {
    let authority = Authority::new();
    let trusted = authority.file("issuer");
    let server = cluster(Some(VALID));
    let issuer = issuer(&authority, |_, body| {
        let is_ours = body.contains("grant_type=refresh_token") && body.contains("refresh_token=refresh-me");
        if is_ours {
            secure::json(200, &json!({"id_token": VALID, "refresh_token": "next"}))
        } else {
            secure::json(400, &json!({"error": "invalid_request"}))
        }
    });
    let user = oidc(&issuer.address, &json!({"id-token": VALID}));
    saw_all(&lint(&server.kubeconfig("oidc-valid", "http", &user), &[]));
    assert!(issuer.requests().is_empty(), "nothing to refresh");

    let user = oidc(&issuer.address, &json!({"client-secret": "hush"}));
    let kubeconfig = server.kubeconfig("oidc-expired", "http", &user);
    saw_all(&lint_with(&kubeconfig, &[], Some(&trusted)));
    assert_eq!(
        issuer.requests().len(),
        2,
        "the discovery document, and one refresh for all requests: {:?}",
        issuer.requests()
    );
    // A public client has no secret.
    let user = oidc(&issuer.address, &json!({}));
    let kubeconfig = server.kubeconfig("oidc-public", "http", &user);
    saw_all(&lint_with(&kubeconfig, &[], Some(&trusted)));
}

#[test]
fn an_oidc_token_that_cannot_be_refreshed_is_an_error() {
    let authority = Authority::new();
    let trusted = authority.file("refusing-issuer");
    let server = cluster(Some(VALID));
    let issuer = issuer(&authority, |_, _| {
        secure::json(400, &json!({"error": "invalid_grant"}))
    });
    let user = oidc(&issuer.address, &json!({"client-secret": "hush"}));
    let kubeconfig = server.kubeconfig("oidc-refused", "http", &user);
    let refused = lint_with(&kubeconfig, &[], Some(&trusted));
    let said = saw_nothing(&refused);
    assert!(said.contains("ID token expired and refreshing failed"), "{said}");
    // An issuer whose certificate the system does not know.
    let unknown = lint(&kubeconfig, &[]);
    let said = saw_nothing(&unknown);
    assert!(said.contains("certificate"), "{said}");
    // None at all.
    let user = json!({"auth-provider": {"name": "oidc", "config": {"id-token": EXPIRED}}});
    let lost = lint(&server.kubeconfig("oidc-lost", "http", &user), &[]);
    let said = saw_nothing(&lost);
    assert!(said.contains("idp-issuer-url"), "{said}");
    for run in [refused, unknown, lost] {
        for secret in ["hush", "refresh-me", EXPIRED] {
            assert!(
                !run.out.contains(secret) && !run.notes.contains(secret),
                "{run:?}"
            );
        }
    }
}

#[test]
fn a_client_certificate_of_the_kubeconfig_the_flags_or_a_plugin() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let trusted = servers.file("servers");
    let plain = cluster(None);
    let server = servers.before(Some(&clients), &plain.address);
    let identity = clients.client("somebody");
    let (certificate, key) = (
        file("client.crt", &identity.certificate),
        file("client.key", &identity.key),
    );
    let own = json!({"client-certificate": certificate, "client-key": key});
    saw_all(&lint(&kubeconfig("own", &server.address, &trusted, &own), &[]));
    let given = plugin(
        "certificate",
        &json!({"clientCertificateData": identity.certificate, "clientKeyData": identity.key}),
    );
    saw_all(&lint(
        &kubeconfig("given", &server.address, &trusted, &given),
        &[],
    ));
    let nobody = kubeconfig("nobody", &server.address, &trusted, &json!({}));
    let flags = [
        "--client-certificate",
        certificate.to_str().unwrap(),
        "--client-key",
        key.to_str().unwrap(),
    ];
    saw_all(&lint(&nobody, &flags));

    // Without one, and with one of another authority.
    saw_nothing(&lint(&nobody, &[]));
    let stranger = servers.client("stranger");
    let (certificate, key) = (
        file("stranger.crt", &stranger.certificate),
        file("stranger.key", &stranger.key),
    );
    let own = json!({"client-certificate": certificate, "client-key": key});
    saw_nothing(&lint(
        &kubeconfig("stranger", &server.address, &trusted, &own),
        &[],
    ));
}

#[test]
fn a_server_must_be_known() {
    let (authority, other) = (Authority::new(), Authority::new());
    let plain = cluster(None);
    let server = authority.before(None, &plain.address);
    let (trusted, wrong) = (authority.file("known"), other.file("unknown"));
    let user = json!({"token": "none"});
    saw_all(&lint(&kubeconfig("known", &server.address, &trusted, &user), &[]));
    let unknown = kubeconfig("unknown", &server.address, &wrong, &user);
    let said = saw_nothing(&lint(&unknown, &[]));
    assert!(said.contains("certificate"), "{said}");
    saw_all(&lint(&unknown, &["--insecure-skip-tls-verify"]));
    saw_all(&lint(
        &unknown,
        &["--certificate-authority", trusted.to_str().unwrap()],
    ));
    let said = saw_nothing(&lint(
        &kubeconfig("named", &server.address, &trusted, &user),
        &["--tls-server-name", "api.example.com"],
    ));
    assert!(said.contains("certificate"), "{said}");
}
