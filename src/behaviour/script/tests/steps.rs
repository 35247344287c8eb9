use super::{at, with};
use crate::behaviour::script::StepKind;

#[test]
fn knows_what_a_script_is_for() {
    for (text, expected) in [
        ("app x", "app x"),
        ("sleep 5; app", "app"),
        ("echo a; exec app; ", "exec app"),
        ("app; curl -XPOST localhost:1/quitquitquit; exit 0", "app"),
        ("prepare && app && touch /done", "app"),
        ("app & wait $!", "app"),
        ("trap x EXIT; (app)", "app"),
        ("main() { app; }; main", "app"),
        ("sh -c 'sleep 1; app'", "app"),
        ("{ app; } 2>&1", "app"),
        ("app | tee log", "app | tee log"),
        ("if [ -f x ]; then app; fi", "if [ -f x ]; then app; fi"),
        (
            "while true; do app; sleep 1; done",
            "while true; do app; sleep 1; done",
        ),
        (
            "dockerize -wait tcp://localhost:1 app",
            "dockerize -wait tcp://localhost:1 app",
        ),
        ("kubexit app", "kubexit app"),
        ("curl http://web/report", "curl http://web/report"),
        ("apk add curl; app; curl localhost:1/report", "app"),
        ("apk add curl; curl localhost:1/report", "curl localhost:1/report"),
        ("sleep 5; cat /x", "cat /x"),
        ("sleep 5", ""),
        ("until nc -z localhost 1; do sleep 1; done", ""),
        ("sleep infinity", ""),
        ("while true; do sleep 10; done", ""),
        ("touch /x; echo done", ""),
        ("pkill envoy", ""),
        ("x=$(date); echo $x", ""),
        ("cat x | grep y", ""),
        ("grep x y", "grep x y"),
    ] {
        let found = with(text, |behaviour| {
            behaviour
                .main()
                .map_or("", |step| at(text, &step.span()))
                .to_owned()
        });
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn steps_have_kinds() {
    use StepKind::{
        Check, Exit, Function, LocalWork, Marker, Noise, SaveStatus, Signal, Sleep, Trap, Wait, WaitForChild,
        Work,
    };
    let text = "set -e; f() { a; }; trap f EXIT; sleep 1; until nc -z localhost 1; do :; done; [ -f x ] && a & \
                wait $!; rc=$?; curl localhost/x; pkill a; touch /y; exit $rc";
    with(text, |behaviour| {
        let kinds: Vec<_> = behaviour.steps().iter().map(|step| step.kind).collect();
        let expected = [
            Noise,
            Function,
            Trap,
            Sleep,
            Wait,
            Check,
            Work,
            WaitForChild,
            SaveStatus,
            LocalWork,
            Signal,
            Marker,
            Exit,
        ];
        assert_eq!(kinds, expected);
    });
}
