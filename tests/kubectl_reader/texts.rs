//! Texts of manifests, whole and broken, from a number.

/// What was read otherwise once.
pub(crate) const FOUND: &[&str] = &[
    "a: [:8098]",
    "a: [::1, b]",
    "a: [?x]",
    "a: [http://b/?c=d]",
    "{a: 1, a: 2}",
    "a: 1\nb: 2\na: 3\n",
    "{\"a\": 1, \"a\": 2}",
    "m: &m {a: 1}\nb: {a: 2, <<: *m}\n",
    "m: &m {a: 1}\nn: &n {a: 2}\nb: {<<: *m, <<: *n}\n",
    "m: &m {a: 1}\nn: &n {a: 2}\nb: {<<: [*m, *n], c: 3}\n",
    "a: 1e400\nb: '1e400'\n",
    "a: [cat, -, x -, y]\nb: {c: -}\n",
    "a: \"x\"#c\nb: [d]# e\n",
    "a: {\"b\nc\": d}",
    "--- a\n",
    "a: b\n...\nc: d\n",
    "a: {b:}",
    "a: {b :}",
    "a: [b, |\n c]",
    "<<: 1\na: b\n",
    "a:\n \tb: c\n",
    "a: \tb\nc:\td\n",
    "- \td\n",
    "a: &t:8098ag app\nb: c\n",
    "m: &m {a: 1}\nb:\n  !!str <<: *m\n",
    "m: &m {a: 1}\nb:\n  !!merge <<: *m\n  c: 2\n",
    "m: &m {a: 1}\nb: {!!merge <<: *m, a: 2}\n",
    "m: &m {a: 1}\nb:\n  !!merge \"<<\": *m\n",
    "m: !x &m {a: 1}\nb:\n  <<: *m\n",
    "!x a: 1\na: b\n",
    "\t{\"a\": 1}\n",
    "a: b\u{2028}c: d\n",
    "a: b\n---\n\u{feff}c: d\ne: f\n",
    "a: b\n--- # c\r\n\u{feff}c: d\r\n",
    "a: b\n\u{feff}---\nc: d\n",
    "{\"a\"\n: 1}",
    "!x\na: !y [!z b]\n!x c: !y {d: !z 1}\n",
    "a: !!str 1\nb: 0755\nc: 1_000\nd: 0x1F\ne: 1:30\nf: 2024-01-01\ng: yes\nh: ~\n",
];

/// Whole manifests that have something to rewrite, in several styles.
const MANIFESTS: [&str; 5] = [
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n      - name: app\n        image: app:1\n        command: [sh, -c, \"until nc -z localhost 6432; do sleep 1; done; exec srv --listen :8098\"]\n      - name: pgbouncer\n        image: pgbouncer/pgbouncer\n        ports: [{containerPort: 6432}]\n",
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: pgbouncer\n          image: \"pgbouncer/pgbouncer\"\n          ports:\n            - containerPort: 6432\n        - name: app\n          image: app\n          env:\n            - {name: A, value: \"x\"}\n          command:\n            - sh\n            - -c\n          args:\n            - |\n              until nc -z localhost 6432; do sleep 1; done\n              exec srv 'a b' --url http://b/?c\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"a\", \"command\": [\"sh\", \"-c\", \"until nc -z localhost 6432; do sleep 1; done; exec app ::1 ?x\"]}, {\"name\": \"pgbouncer\", \"image\": \"pgbouncer/pgbouncer\", \"ports\": [{\"containerPort\": 6432}]}]}}\n",
    "base: &base\n  image: pgbouncer/pgbouncer\n  ports: [{containerPort: 6432}]\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - <<: *base\n    name: pgbouncer\n  - name: app\n    image: &tag app\n    command: ['sh', '-c', 'until nc -z localhost 6432; do sleep 1; done; exec app -- \"- x\" yes']\n",
    "# a comment\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p} # one\nspec:\n  containers: # two\n  - name: app\n    # three\n    image: app\n    command: [\n      sh, -c,\n      \"until nc -z localhost 6432; do\n      sleep 1; done; exec app\"\n    ]\n  - {name: pgbouncer, image: pgbouncer/pgbouncer, ports: [{containerPort: 6432}]}\n---\na: b\n",
];

/// Pieces that go in anywhere.
const PIECES: [&str; 78] = [
    "a: b\n",
    "- a\n",
    "? a\n",
    ": b\n",
    "[a, b]",
    "{a: b}",
    "{a:}",
    "{a: }",
    "[a:b]",
    "\"x\"",
    "'it''s'",
    "|\n  x\n",
    ">-\n  x\n  y\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "!x ",
    "# c\n",
    " # c",
    "#",
    ": ",
    ":",
    "?",
    "- ",
    "-",
    ",",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "\r\n",
    "\r",
    "  ",
    " ",
    "\t",
    "---\n",
    "--- a\n",
    "...\n",
    "%YAML 1.1\n",
    "~",
    "null",
    "yes",
    "0755",
    "1e3",
    "1e400",
    ".inf",
    "0x1F",
    "1_0",
    "1:30",
    "2024-01-01",
    "<<",
    "=",
    "\u{feff}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "é",
    "\\",
    "\"",
    "'",
    "\\n",
    "\"\\x41\"",
    "\"\\u00e9\"",
    "@",
    "`",
    "%",
    "x -",
    ":8098",
    "::1",
    "?x",
    "http://a/?b",
    "image: other\n",
    "args: [x]\n",
    "a: 1\n",
    "\u{1}",
    "\u{e0041}",
];

/// A small generator of numbers (xorshift), so that a seed is a text.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end.max(1)
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// The text of a number.
pub(crate) fn generate(seed: u64) -> String {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        numbers.next();
    }
    match numbers.below(10) {
        0 => pieces(&mut numbers),
        1 | 2 => block(&mut numbers, 0),
        3 => format!("a: {}\n", flow(&mut numbers, 3)),
        _ => {
            let mut text = numbers.one_of(&MANIFESTS).to_owned();
            for _ in 0..numbers.below(4) {
                mutate(&mut text, &mut numbers);
            }
            text
        }
    }
}

fn pieces(numbers: &mut Numbers) -> String {
    (0..=numbers.below(12)).map(|_| numbers.one_of(&PIECES)).collect()
}

const WORDS: [&str; 40] = [
    "a", "b", "c", "name", "x y", "'q'", "\"q r\"", "1", "0755", "yes", "~", "", ".5", "1.5e3", "0x1f",
    "a:b", "a#b", "-x", "--flag", "/x", "x:", "é", "'it''s'", "\"a\\n\"", "&n z", "*n", "!!str 1", "|\n",
    "<<", "10.0.0.1", "1:2", "{}", "[]", "a b: c", "on", "12_3", "0b1", "08", "x?", "::",
];

/// A mapping or sequence by indentation.
fn block(numbers: &mut Numbers, column: usize) -> String {
    let indentation = " ".repeat(column);
    let is_sequence = numbers.below(3) == 0;
    let mut text = String::new();
    for _ in 0..=numbers.below(3) {
        text += &indentation;
        text += if is_sequence { "-" } else { numbers.one_of(&WORDS) };
        if !is_sequence {
            text += ":";
        }
        match numbers.below(5) {
            0 if column < 8 => {
                text += "\n";
                let step = numbers.below(4);
                text += &block(numbers, column + step);
            }
            1 => text += &format!(" {}\n", flow(numbers, 2)),
            2 => {
                text += &format!(
                    " |\n{indentation}  {}\n{indentation}   x\n",
                    numbers.one_of(&WORDS)
                )
            }
            _ => text += &format!(" {}\n", numbers.one_of(&WORDS)),
        }
    }
    text
}

fn flow(numbers: &mut Numbers, depth: usize) -> String {
    let gap = |numbers: &mut Numbers| {
        numbers
            .one_of(&["", " ", " ", "\n", "\n  ", " # c\n "])
            .to_owned()
    };
    if depth == 0 || numbers.below(2) == 0 {
        return numbers.one_of(&WORDS).to_owned();
    }
    let is_sequence = numbers.below(2) == 0;
    let items: Vec<String> = (0..numbers.below(4))
        .map(|_| {
            let value = flow(numbers, depth - 1);
            let (before, after) = (gap(numbers), gap(numbers));
            match is_sequence {
                true => format!("{before}{value}{after}"),
                false => format!("{before}{}:{after}{value}", numbers.one_of(&WORDS)),
            }
        })
        .collect();
    match is_sequence {
        true => format!("[{}]", items.join(",")),
        false => format!("{{{}}}", items.join(",")),
    }
}

/// One change that a person or a broken program might make.
fn mutate(text: &mut String, numbers: &mut Numbers) {
    let mut at = numbers.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    match numbers.below(6) {
        // A piece goes in, between words more often than in them.
        0 | 1 => {
            if numbers.below(3) > 0 {
                at = text[..at].rfind([' ', '\n', ',']).map_or(0, |before| before + 1);
            }
            text.insert_str(at, numbers.one_of(&PIECES));
        }
        // A character goes.
        2 => {
            if let Some(character) = text[at..].chars().next() {
                text.replace_range(at..at + character.len_utf8(), "");
            }
        }
        // A line stands twice, here or further down.
        3 if !text.is_empty() => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = lines[numbers.below(lines.len())].to_owned();
            let place = numbers.below(lines.len() + 1);
            let before: usize = lines[..place].iter().map(|line| line.len()).sum();
            text.insert_str(before, &line);
        }
        // A line goes.
        4 if !text.is_empty() => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let gone = numbers.below(lines.len());
            *text = lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != gone)
                .map(|(_, line)| *line)
                .collect();
        }
        // A line is indented otherwise.
        _ => {
            let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
            match numbers.below(2) {
                0 => text.insert(start, ' '),
                _ if text[start..].starts_with(' ') => text.replace_range(start..=start, ""),
                _ => {}
            }
        }
    }
}
