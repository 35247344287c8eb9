//! A grammar of scripts that wait for a sidecar, work and end it: statements that set state, statements that read it,
//! waits and quits of all dialects, functions, traps, subshells and options, composed at random.

use crate::random::Random;

/// A script with the shell that it is written for.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) shell: Vec<String>,
    pub(crate) text: String,
}

/// Asks whether the sidecar is ready.
const PROBES: [&str; 9] = [
    "curl -fsS http://localhost:9090/startup",
    "curl -sf localhost:9090/startup > /dev/null 2>&1",
    "curl -fso /dev/null http://127.0.0.1:9090/startup",
    "wget -qO- http://localhost:9090/startup",
    "wget -q --spider http://localhost:9090/startup",
    "nc -z localhost 5432",
    "nc -z -w1 127.0.0.1 5432 > /dev/null",
    "pg_isready -h localhost -p 5432 -q",
    "curl --silent --fail localhost:9090/readiness",
];

/// Ends the sidecar.
const QUITS: [&str; 9] = [
    "curl -fsS -X POST http://localhost:9091/quitquitquit",
    "curl -s -XPOST localhost:9091/quitquitquit || true",
    "curl -XPOST 127.0.0.1:9091/quitquitquit > /dev/null 2>&1",
    "wget -qO- --post-data= http://127.0.0.1:9091/quitquitquit",
    "wget -q -O /dev/null --post-data '' http://localhost:9091/quitquitquit",
    "curl --max-time 2 -s -f -XPOST http://127.0.0.1:9091/quitquitquit",
    "timeout 5 curl -XPOST localhost:9091/quitquitquit",
    "curl -XPOST http://localhost:9091/quitquitquit; sleep 2",
    "pkill -TERM cloud-sql-proxy",
];

/// What a wait does besides sleeping. What begins with `~` is the wait's own print.
const BESIDES: [&str; 22] = [
    "sleep 1",
    "sleep 1",
    "sleep 1",
    "sleep 1; echo ~waiting",
    "echo ~waiting >&2; sleep 1",
    "n=$((n+1)); sleep 1",
    "x=$((x + 1)); sleep 2",
    "i=$(expr $i + 1); sleep 1",
    "READY=1; sleep 1",
    "MODE=w; sleep 1",
    "export NEW=1; sleep 1",
    "cd sub 2>/dev/null; sleep 1",
    ": ${x:=9}; sleep 1",
    "unset n; sleep 1",
    "set +e; sleep 1",
    "read -r x < word; sleep 1",
    "eval n=3; sleep 1",
    "set -- w; sleep 1",
    "umask 077; sleep 1",
    "exec 3<word; sleep 1",
    "trap 'app usr' USR1; sleep 1",
    "sleep 1 & wait $!",
];

/// Sets state before the wait.
const SETTERS: [&str; 26] = [
    "n=0",
    "x=5",
    "i=9",
    "rc=0",
    "READY=0",
    "MODE=two",
    "export MODE=three",
    "export NEW=env",
    "n=0 x=1",
    "cd sub",
    "set -e",
    "set -u",
    "set -eu",
    "set -- a 'b c'",
    "trap 'echo bye' EXIT",
    "trap 'app trapped $x' EXIT",
    "trap 'echo term; exit 7' TERM",
    "f() { app inner \"$1\" ${n:-no}; }",
    "umask 027",
    "exec 3>out",
    "eval 'x=7'",
    "x=$(echo 4)",
    "echo starting",
    "tool prepare || exit 4",
    "readonly R=1",
    "while read -r line; do x=$line; done < word",
];

/// Reads it.
const READERS: [&str; 28] = [
    "app n ${n:-no}",
    "echo \"n=${n:-no} x=${x:-no}\"",
    "app $((${n:-1} + 1))",
    "if [ \"${READY:-0}\" = 1 ]; then app ready; fi",
    "[ \"${n:-0}\" -ge 2 ] && app many",
    "app \"$@\"",
    "app ${1:-none} $#",
    "eval \"app e ${x:-no}\"",
    "f arg",
    "(app sub ${x:-no})",
    "for k in ${n:-a} ${x:-b}; do app $k; done",
    "case ${x:-} in 5) app five;; *) app other;; esac",
    "app $(echo ${n:-no})",
    ". ./lib.sh",
    "sh -c 'app child ${NEW:-no} ${MODE:-no}'",
    "app \"${READY:-no}\" \"${i:-no}\"",
    "tool pwd",
    "app -- \"$MODE\"",
    "echo \"rc=${rc:-no}\"",
    "app got $?",
    "umask",
    "echo ${NEW:-none}; app new",
    "printf '%s\\n' \"${x:-no}\" | cat",
    "y=${n:-2}; app y $y",
    "app <word",
    "trap",
    "{ app group ${i:-no}; }",
    "while [ ${n:-9} -lt 3 ]; do n=$((n+1)); app loop; done",
];

/// The work itself.
const WORKS: [&str; 20] = [
    "app run",
    "app run",
    "app run",
    "app run \"$NAME\"",
    "app one && app two",
    "app one || app two",
    "app one; app two",
    "if app one; then app two; fi",
    "if ! app one; then app failed; fi",
    "app one | cat",
    "(app run)",
    "{ app run; }",
    "app run & wait $!",
    "for k in 1 2; do app $k; done",
    "MODE=four app run",
    "app run > result",
    "main() { app run; }; main",
    "until app one; do break; done",
    "cd sub && app run",
    "! app run",
];

/// The end of a script that has no quit.
const LAST: [&str; 5] = [
    "exec app run",
    "app run",
    "exec app \"$NAME\"",
    "app run; exit $?",
    "app one; exit",
];

/// What is around the work; `{q}` ends the sidecar.
const FRAMES: [&str; 60] = [
    "{w}; rc=$?; {q}; exit $rc",
    "{w}; rc=$?; {q}; exit $rc",
    "{w}\nrc=$?\n{q}\nexit \"${rc}\"\n",
    "rc=0; {w} || rc=$?; {q}; exit $rc",
    "trap '{q}' EXIT; {w}",
    "trap '{q}; rm -rf tmp' EXIT; {w}",
    "trap 'app clean; {q}' EXIT\n{w}\n",
    "trap 'rc=$?; {q}; exit $rc' EXIT\n{w}\n",
    "trap 'rc=$?; app clean; {q}; exit $rc' EXIT\n{w}\n",
    "trap 'rc=$?; {q}; echo $rc; exit $rc' EXIT TERM\n{w}\n",
    "finish() { rc=$?; {q}; exit $rc; }; trap finish EXIT; {w}",
    "finish() {\n  {q}\n}\ntrap finish EXIT INT TERM\n{w}\n",
    "finish() { {q}; app clean; }\ntrap finish EXIT\n{w}\n",
    "finish() { local rc=$?; {q}; return $rc; }\n{w}\nfinish\n",
    "finish() { rc=$?; {q}; exit $rc; }\n{w}\nfinish\napp behind\n",
    "quit() { {q}; }; {w}; rc=$?; quit; exit $rc",
    "quit() { echo ~quit; {q}; }\n{w}\nrc=$?\nif [ $rc -eq 0 ]; then quit; fi\nexit $rc\n",
    "{w}; rc=$?; {q}; app report $rc; exit $rc",
    "{w}; rc=$?; echo \"$rc\"; {q}; exit $rc",
    "{w}; rc=$?; {q}; if [ $rc -ne 0 ]; then exit $rc; fi",
    "{w}; rc=$?; {q}; [ $rc -eq 0 ]",
    "set +e; {w}; rc=$?; set -e; {q}; exit $rc",
    "{w}; rc=$?; for t in 1 2 3; do {q} && break; done; exit $rc",
    "{w}; rc=$?; for t in 1 2 3; do {q} && break; done; app tries $t; exit $rc",
    "set -e\n{w}\n{q}\n",
    "{w}; {q}",
    "{w} && {q}",
    "{w} && {q} && app behind",
    "{w}; {q}; app behind",
    "{w}; {q}; rc=$?; exit $rc",
    "{w}\n{q}\nexit 0\n",
    "{w}; rc=$?; if [ $rc -eq 0 ]; then {q}; else echo failed; fi; exit $rc",
    "{w}; rc=$?; if [ $rc -eq 0 ]; then {q}; else {q}; exit 5; fi",
    "if app one; then {q}; else app two; {q}; exit 3; fi",
    "main() { {w}; {q}; }\nmain\n",
    "main() { {w}; r=$?; {q}; return $r; }\nmain\n",
    "({w}; r=$?; {q}; exit $r)",
    "{ {w}; {q}; } > result",
    "sh -c '{q}'; {w}",
    "{w}; rc=$?\nif nc -z localhost 9091; then\n  {q}\nfi\nexit $rc\n",
    "{w}; rc=$?; until {q}; do sleep 1; done; exit $rc",
    "{w} | cat; rc=${PIPESTATUS[0]}; {q}; exit $rc",
    "{w} | cat; {q}; rc=${PIPESTATUS[0]}; exit $rc",
    "{w}; echo $? > result; {q}; exit \"$(cat result)\"",
    "{w}; rc=$?; { {q} || echo ~gone; } > /dev/null 2>&1; exit $rc",
    "{w}; rc=$?; { {q}; echo ~gone; }; exit $rc",
    "{w}; {q}; rc=$?; x=$(echo $rc); exit $x",
    "{w}; x=$(echo 7); {q}; exit $x",
    "trap '{q}' EXIT; exec {w}",
    "finish() { {q}; exit \"$1\"; }\n{w}\nfinish $?\n",
    "finish() { {q}; return $2; }\n{w}\nfinish now $?\n",
    "finish() { {q}; exit \"$1\"; }\ntrap 'finish $?' EXIT\n{w}\n",
    "set -u\nfinish() { local rc=$?; {q}; exit \"$rc\"; }\ntrap finish EXIT\n{w}\n",
    "{w}; rc=$?; if {q}; then echo stopped; fi; exit $rc",
    "{w}; rc=$?; if {q}; then app stopped; else echo ~gone >&2; exit 9; fi; exit $rc",
    "{w}\nrc=$?\nif ! {q}; then\n  echo ~gone\nelse\n  app stopped\nfi\nexit $rc\n",
    "{w}\nrc=$?\nnc localhost 9091 <<END\nPOST /quitquitquit HTTP/1.0\n\nEND\nexit $rc\n",
    "{w}\nrc=$?\ncurl -s -XPOST --data-binary @- localhost:9091/quitquitquit <<END; app behind $rc\nbye\nEND\nexit $rc\n",
    "STOP='curl -s -XPOST http://localhost:9091/quitquitquit'\n{w}; rc=$?\n$STOP\nexit $rc\n",
    "{w}; rc=$?; for u in http://localhost:9091/quitquitquit; do curl -s -XPOST \"$u\"; done; exit $rc",
];

/// What checks the wait afterwards.
const BEHIND: [&str; 14] = [
    "",
    "",
    "",
    "",
    "READY=1",
    "rc=$?",
    "rc=$?; if [ $rc -ne 0 ]; then echo ~none; exit 1; fi",
    "if [ $? -ne 0 ]; then exit 1; fi",
    "if [ \"${n:-0}\" -ge 9 ]; then echo ~none; exit 1; fi",
    "[ \"${i:-0}\" != 6 ] || exit 1",
    "[ \"${READY:-}\" = 1 ] && echo ready",
    "echo ~up",
    "app up $?",
    "n=7",
];

const SHELLS: [&[&str]; 6] = [
    &["sh", "-c"],
    &["sh", "-c"],
    &["/bin/sh", "-ec"],
    &["bash", "-c"],
    &["bash", "-euo", "pipefail", "-c"],
    &["/bin/bash", "-ec"],
];

fn wait(random: &mut Random) -> String {
    let probe = random.pick(&PROBES);
    let body = random.pick(&BESIDES);
    let form = random.pick(&[
        "until {p}; do {b}; done",
        "until {p}; do\n  {b}\ndone",
        "while ! {p}; do {b}; done",
        "while true; do {p} && break; {b}; done",
        "while :; do if {p}; then break; fi; {b}; done",
        "for i in 1 2 3 4 5 6; do {p} && break; {b}; done",
        "for i in $(seq 1 6); do if {p}; then break; fi; {b}; done",
        "n=0; until {p}; do n=$((n+1)); [ $n -ge 9 ] && exit 1; {b}; done",
        "n=0\nuntil {p} || [ $n -ge 9 ]; do n=$((n+1)); {b}; done",
        "n=0\nwhile ! {p}; do\n  n=$((n + 1))\n  if [ \"$n\" -gt 9 ]; then echo ~none; exit 1; fi\n  {b}\ndone",
        "ready() { until {p}; do {b}; done; }\nready",
        "ready() { {p}; }\nuntil ready; do {b}; done",
        "up() { for i in 1 2 3 4 5 6; do {p} && return 0; {b}; done; return 1; }\nup",
        "up() {\n  for i in 1 2 3 4 5 6; do\n    {p} && return 0\n    {b}\n  done\n  return 1\n}\nup || exit 1",
        "up() { for i in 1 2 3 4 5 6; do {p} && return 0; {b}; done; return 1; }\nif ! up; then echo ~none; exit 1; fi",
        "(until {p}; do {b}; done)",
        "{ until {p}; do {b}; done; }",
        "timeout 60 sh -c 'until {p}; do sleep 1; done'",
        "timeout 60 sh -c 'until {p}; do sleep 1; done' || exit 1",
        "ok=; while [ -z \"$ok\" ]; do if {p}; then ok=1; else {b}; fi; done",
        "until [ \"${READY:-}\" = 1 ]; do {p} && READY=1; {b}; done",
        "rc=1; until {p}; do {b}; done; rc=$?",
        "wait-for-it localhost:5432 -t 30",
        "curl --retry 30 --retry-connrefused --retry-delay 1 -fsS http://localhost:9090/startup",
        "until {p} > /dev/null; do {b}; done 2> /dev/null",
        "echo ~wait; until {p}; do {b}; done; echo ~up",
        "until {p}; do {b}; done &\nwait",
    ]);
    form.replace("{p}", probe).replace("{b}", body)
}

fn several(random: &mut Random, from: &[&str], most: usize) -> Vec<String> {
    (0..random.below(most + 1))
        .map(|_| random.pick(from).to_owned())
        .collect()
}

/// A script out of the grammar.
pub(crate) fn sample(random: &mut Random) -> Sample {
    let shell: Vec<String> = SHELLS[random.below(SHELLS.len())]
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    let mut parts = several(random, &SETTERS, 3);
    if random.chance(3, 4) {
        parts.push(wait(random));
        parts.push(random.pick(&BEHIND).to_owned());
    }
    parts.extend(several(random, &READERS, 2));
    let quits = random.chance(3, 4);
    let mut work = match quits {
        true => random.pick(&WORKS).to_owned(),
        false => random.pick(&LAST).to_owned(),
    };
    if quits {
        if random.chance(1, 4) {
            work = format!("{work}; {}", random.pick(&READERS));
        }
        let quit = random.pick(&QUITS);
        let frame = random.pick(&FRAMES);
        // Quotes in quotes end them.
        let quit = if frame.contains('\'') {
            quit.replace('\'', "")
        } else {
            quit.to_owned()
        };
        work = frame.replace("{w}", &work).replace("{q}", &quit);
    }
    parts.push(work);
    let separator = if random.chance(1, 2) { "\n" } else { "; " };
    let mut text = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !text.is_empty() {
            let needs_line = text.ends_with('\n') || text.ends_with('&') || text.contains("<<");
            text.push_str(if needs_line { "\n" } else { separator });
        }
        text.push_str(part);
    }
    Sample { shell, text }
}
