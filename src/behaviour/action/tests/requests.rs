use super::{environment, host, http, last, number, request, script};
use crate::behaviour::action::{Action, Values, classify_visit};

#[test]
fn understands_curl() {
    for (text, expected) in [
        (
            "curl localhost:3500/v1.0/shutdown",
            "GET local 3500 /v1.0/shutdown",
        ),
        (
            "curl -X POST http://localhost:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        (
            "curl -XPOST http://127.0.0.1:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        ("/usr/bin/curl --request=post http://[::1]:1/x", "POST local 1 /x"),
        ("curl --request POST -fsS http://0.0.0.0:1/x", "POST local 1 /x"),
        ("curl -sfXPOST localhost:1/x", "POST local 1 /x"),
        (
            "curl --max-time 2 -s -f -XPOST http://127.0.0.1:15000/q",
            "POST local 15000 /q",
        ),
        ("curl -fsI localhost:15000", "HEAD local 15000 /"),
        ("curl --head localhost:15000", "HEAD local 15000 /"),
        ("curl -d '' localhost:1/x", "POST local 1 /x +body"),
        (
            "curl --data-raw '{\"a\": 1}' localhost:1/x",
            "POST local 1 /x +body",
        ),
        ("curl -G -d a=b localhost:1/x", "GET local 1 /x"),
        (
            "curl -o /dev/null -w '%{http_code}' localhost:1/x?y=z",
            "GET local 1 /x",
        ),
        ("curl -so /tmp/out localhost:1/x", "GET local 1 /x >/tmp/out"),
        ("curl -o out http://web/x", "GET web 80 /x >out"),
        ("curl -H 'Host: localhost' https://web", "GET web 443 /"),
        (
            "curl -u user:pass -H a:b http://user@web:8080/x",
            "GET web 8080 /x",
        ),
        ("curl localhost:1/a localhost:2/b", "GET local 1 /a +1"),
        ("curl --url localhost:1/a", "GET local 1 /a"),
        (
            "curl \"http://${PROXY_HOST}:8091/quitquitquit\"",
            "GET local 8091 /quitquitquit",
        ),
        ("curl $SERVICE:8091/q", "GET db.example.com 8091 /q"),
        ("curl http://localhost:$PROXY_PORT/q", "GET local 9091 /q"),
        ("curl http://localhost:$NOBODY/q", "GET local ? /q"),
        ("curl http://localhost:${NOBODY:-7}/q", "GET local 7 /q"),
        ("curl http://$NOBODY:1/q", "GET ? 1 /q"),
        ("curl $NOBODY", "GET ? ? ?"),
        ("H=localhost; curl $H:1/q", "GET local 1 /q"),
        ("H=localhost; P=1; U=http://$H:$P; curl $U/q", "GET local 1 /q"),
        ("H=a; H=localhost; curl $H:1/q", "GET ? 1 /q"),
        ("PROXY_HOST=web; curl $PROXY_HOST:1/q", "GET web 1 /q"),
        ("export H=localhost; curl $H:1/q", "GET local 1 /q"),
        ("for H in a b; do curl $H; done; curl $H:1/q", "GET ? 1 /q"),
        ("read H; curl $H:1/q", "GET ? 1 /q"),
        ("exec curl localhost:1/q", "GET local 1 /q"),
        ("timeout 5 curl localhost:1/q", "GET local 1 /q"),
        ("curl -T file localhost:1/q", "PUT local 1 /q +body"),
        ("curl -X $METHOD localhost:1/q", "? local 1 /q"),
        ("curl -O http://web/a/b.tgz", "GET web 80 /a/b.tgz >b.tgz"),
    ] {
        assert_eq!(request(text), expected, "{text}");
    }
    assert!(!matches!(last("curl --version").action, Action::Http(_)));
    let retry = http("curl --retry 30 --retry-connrefused --retry-delay 2 -f localhost:1")
        .retry
        .unwrap();
    assert_eq!((retry.count, retry.delay), (Some(30.0), Some(2.0)));
    assert!(retry.on_refused_connection);
    assert!(http("curl -fsS localhost").fails_on_error);
    assert_eq!(last("timeout 5s curl localhost:1").time_limit, Some(5.0));
}

#[test]
fn understands_wget_and_httpie() {
    for (text, expected) in [
        (
            "wget -qO- localhost:15021/healthz/ready",
            "GET local 15021 /healthz/ready",
        ),
        ("wget -qO /dev/null localhost:1/x", "GET local 1 /x"),
        (
            "wget -O- --post-data hello=1 http://0.0.0.0:4191/shutdown",
            "POST local 4191 /shutdown +body",
        ),
        (
            "wget --post-data \"\" -O - http://localhost:8200/agent/v1/quit",
            "POST local 8200 /agent/v1/quit +body",
        ),
        (
            "wget --method=POST -q -O /dev/null http://localhost:1/x",
            "POST local 1 /x",
        ),
        ("wget -q --spider -T 3 http://localhost:1/x", "HEAD local 1 /x"),
        ("wget --header 'a: b' http://web/x", "GET web 80 /x >x"),
        ("busybox wget http://web/", "Other"),
        (
            "http POST localhost:15020/quitquitquit",
            "POST local 15020 /quitquitquit",
        ),
        ("http :3500/v1.0/healthz", "GET local 3500 /v1.0/healthz"),
        ("http web a=b", "POST web 80 / +body"),
    ] {
        if expected == "Other" {
            continue;
        }
        assert_eq!(request(text), expected, "{text}");
    }
}

#[test]
fn understands_http_by_hand_and_in_other_languages() {
    for (text, expected) in [
        (
            "printf 'POST /quitquitquit HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' | nc localhost 15020",
            "POST local 15020 /quitquitquit",
        ),
        (
            "echo -e \"POST /shutdown HTTP/1.0\\n\" | nc -w 1 127.0.0.1 4191",
            "POST local 4191 /shutdown",
        ),
        (
            "echo -e 'POST /shutdown HTTP/1.1\\r\\n\\r\\n' >/dev/tcp/localhost/4191",
            "POST local 4191 /shutdown",
        ),
        (
            "exec 3<>/dev/tcp/localhost/4191; echo -e \"POST /shutdown HTTP/1.1\\r\\n\\r\\n\" >&3",
            "POST local 4191 /shutdown",
        ),
        ("nc localhost 1 <<E\nGET /x HTTP/1.1\n\nE", "GET local 1 /x"),
        (
            "python3 -c \"import urllib.request as r; r.urlopen('http://localhost:9091/quitquitquit', data=b'')\"",
            "POST local 9091 /quitquitquit +body",
        ),
        (
            "python -c 'import requests; requests.post(\"http://127.0.0.1:15020/q\")'",
            "POST local 15020 /q",
        ),
        (
            "node -e \"fetch('http://localhost:9091/quitquitquit')\"",
            "GET local 9091 /quitquitquit",
        ),
        (
            "node -e \"fetch('http://localhost:1/q', {method: 'POST'})\"",
            "POST local 1 /q",
        ),
        (
            "node -e \"require('http').request({host: 'localhost', port: 15020, path: '/quitquitquit', method: 'POST'}).end()\"",
            "POST local 15020 /quitquitquit",
        ),
        (
            "python3 -c \"import http.client; c = http.client.HTTPConnection('127.0.0.1', 4191); c.request('POST', '/shutdown')\"",
            "POST local 4191 /shutdown",
        ),
        (
            "ruby -rnet/http -e 'Net::HTTP.get(URI(\"http://localhost:1/q\"))'",
            "GET local 1 /q",
        ),
        (
            "pwsh -Command \"Invoke-WebRequest -Method POST http://localhost:1/q\"",
            "POST local 1 /q",
        ),
        (
            "python - <<E\nimport requests\nrequests.get('http://localhost:1/q')\nE",
            "GET local 1 /q",
        ),
    ] {
        assert_eq!(request(text), expected, "{text}");
    }
}

#[test]
fn code_without_brackets_asks_alone_where_each_word_is_known() {
    for (text, works) in [
        (
            "ruby -rnet/http -e 'Net::HTTP.post URI(\"http://localhost:1/q\"), \"\"'",
            false,
        ),
        (
            "ruby -r net/http -e 'begin; Net::HTTP.post(URI(\"http://localhost:1/q\"), \"\"); rescue; end'",
            false,
        ),
        (
            "perl -MHTTP::Tiny -e 'my $http = HTTP::Tiny->new; $http->post(\"http://localhost:1/q\")'",
            false,
        ),
        (
            "perl -e 'use LWP::UserAgent; LWP::UserAgent->new->post(\"http://localhost:1/q\")'",
            false,
        ),
        (
            "ruby -rpg -e 'Net::HTTP.post(URI(\"http://localhost:1/q\"), \"\")'",
            true,
        ),
        (
            "ruby -rnet/http -e 'Net::HTTP.post(URI(\"http://localhost:1/q\"), \"\"); load \"x.rb\"'",
            true,
        ),
        (
            "ruby -rnet/http -e 'Net::HTTP.post(URI(\"http://localhost:1/#{vacuum}\"), \"\")'",
            true,
        ),
        (
            "perl -MHTTP::Tiny -e 'HTTP::Tiny->new->post(\"http://localhost:1/q\"); unlink \"/x\"'",
            true,
        ),
        (
            "perl -MHTTP::Tiny -e 'my $unlink = \"/x\"; unlink $unlink; HTTP::Tiny->new->post(\"http://localhost:1/q\")'",
            true,
        ),
        (
            "ruby -rnet/http -e 'reload = 1; load \"x.rb\"; Net::HTTP.post(URI(\"http://localhost:1/q\"), \"\")'",
            true,
        ),
        (
            "perl -MHTTP::Tiny -n -e 'HTTP::Tiny->new->post(\"http://localhost:1/q\")'",
            true,
        ),
    ] {
        assert_eq!(http(text).works, works, "{text}");
        assert_eq!(http(text).method.as_deref(), Some("POST"), "{text}");
    }
}

#[test]
fn a_variable_may_hold_a_command_or_a_loop_run_over_addresses() {
    for (text, expected) in [
        (
            "STOP='curl -s -X POST http://localhost:1/q'; $STOP",
            "POST local 1 /q",
        ),
        ("STOP='curl -s'; $STOP -X POST localhost:1/q", "POST local 1 /q"),
        (
            "for u in http://localhost:1/q http://localhost:2/q; do curl \"$u\"; done",
            "GET local 1 /q +1",
        ),
    ] {
        let script = script(text);
        let values = Values::of_script(&script, &environment);
        let mut actions = script
            .list
            .commands()
            .filter_map(|visit| classify_visit(&visit, &values));
        let request = actions.find_map(|action| match action.action {
            Action::Http(http) => Some(http),
            _ => None,
        });
        let http = request.unwrap_or_else(|| panic!("{text}"));
        let more = if http.further_urls.is_empty() { "" } else { " +1" };
        let shown = format!(
            "{} {} {} {}{more}",
            http.method.as_deref().unwrap_or("?"),
            host(&http.url.host),
            number(http.url.port),
            http.url.path.as_deref().unwrap_or("?")
        );
        assert_eq!(shown, expected, "{text}");
    }
    // Not split, several commands, and a loop that may leave some out.
    for text in [
        "STOP='curl -X POST http://localhost:1/q'; \"$STOP\"",
        "STOP='curl http://localhost:1/q; /app'; $STOP",
        "for u in http://localhost:1/q http://localhost:2/q; do curl \"$u\" && break; done",
    ] {
        let script = script(text);
        let values = Values::of_script(&script, &environment);
        let known = script.list.commands().any(|visit| {
            let action = classify_visit(&visit, &values);
            action
                .is_some_and(|action| matches!(action.action, Action::Http(http) if http.url.host.is_local()))
        });
        assert!(!known, "{text}");
    }
}
