//! Any text as a kubeconfig, any answer of its credential plugin and any token file, parted by zero bytes: there is a
//! client or an error that says something, and a request with these credentials is an error; never a panic.
//!
//! No program is run but one that prints the answer, no file is read but those of the run, and no server is asked but
//! a port at which nobody listens.
#![no_main]

use std::{ffi::OsString, fs, path::Path};

use kube::config::Kubeconfig;
use kubectl_sidecar::cluster::{
    Connection, PLUGIN_ARGUMENT, cluster_name, connect, current_context, get_text, kubeconfig_names,
    run_plugin,
};
use libfuzzer_sys::fuzz_target;

/// Nobody listens there.
const SERVERS: [&str; 2] = ["http://127.0.0.1:1", "https://127.0.0.1:1"];

fuzz_target!(
    init: {
        // The program lets itself run plugins.
        let arguments: Vec<OsString> = std::env::args_os().collect();
        if let [_, first, plugin @ ..] = arguments.as_slice()
            && first == PLUGIN_ARGUMENT
        {
            let code = run_plugin(plugin).unwrap_or_else(|problem| {
                assert!(!problem.is_empty());
                eprintln!("error: {problem}");
                1
            });
            std::process::exit(code);
        }
    },
    |data: &[u8]| {
        let directory = tempfile::tempdir().expect("a directory");
        let mut parts = data.splitn(3, |byte| *byte == 0);
        let [text, answer, token] = [(); 3].map(|()| parts.next().unwrap_or_default());
        let file = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).expect("a file");
            path
        };
        let (answer, token) = (file("answer", answer), file("token", token));
        let mut asks_others = false;
        let text = match str::from_utf8(text).ok().and_then(|text| Kubeconfig::from_yaml(text).ok()) {
            Some(mut kubeconfig) => {
                asks_others = harmless(&mut kubeconfig, &answer, &token);
                serde_json::to_vec(&kubeconfig).expect("what was read can be written")
            }
            None => text.to_vec(),
        };
        let kubeconfig = Some(file("config", &text));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let own = Connection { kubeconfig, ..Connection::default() };
        let _names = (kubeconfig_names(&own).is_ok(), current_context(&own), cluster_name(&own));
        let elsewhere = SERVERS.map(|server| Connection { server: Some(server.to_owned()), ..own.clone() });
        for connection in [&own].into_iter().chain(&elsewhere) {
            match runtime.block_on(connect(connection)) {
                Err(error) => assert!(!error.to_string().trim().is_empty()),
                Ok((client, _)) if connection.server.is_some() && !asks_others => {
                    let answer = runtime.block_on(get_text(&client, "/version"));
                    assert!(!answer.expect_err("nobody listens").to_string().is_empty());
                }
                Ok(_) => {}
            }
        }
    }
);

/// Puts what the run may touch in the place of programs and files. Says whether an identity provider may be asked.
fn harmless(kubeconfig: &mut Kubeconfig, answer: &Path, token: &Path) -> bool {
    let path = |path: &Path| Some(path.display().to_string());
    let mut asks_others = false;
    for user in kubeconfig
        .auth_infos
        .iter_mut()
        .filter_map(|named| named.auth_info.as_mut())
    {
        if let Some(plugin) = &mut user.exec {
            plugin.command = Some("/bin/cat".to_owned());
            plugin.args = Some(vec![answer.display().to_string()]);
        }
        if let Some(provider) = &mut user.auth_provider {
            asks_others = true;
            for key in ["cmd-path", "cmd-args", "cmd-drop-env"] {
                provider.config.remove(key);
            }
        }
        for file in [
            &mut user.token_file,
            &mut user.client_certificate,
            &mut user.client_key,
        ] {
            *file = file.as_ref().and_then(|_| path(token));
        }
    }
    for cluster in kubeconfig
        .clusters
        .iter_mut()
        .filter_map(|named| named.cluster.as_mut())
    {
        cluster.certificate_authority = cluster.certificate_authority.as_ref().and_then(|_| path(token));
    }
    asks_others
}
