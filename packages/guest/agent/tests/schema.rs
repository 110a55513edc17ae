//! The hand-written messages against guest.proto: every field's name, number and message.

use std::collections::BTreeMap;

const PROTO: &str = include_str!("../../protocol/guest.proto");
const RUST: &str = include_str!("../src/messages.rs");

type Fields = BTreeMap<(String, String), u32>;

/// Splits the schema into statements, keeping braces as statements of their own.
fn proto_fields() -> Fields {
    let text: String = PROTO
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join(" ");
    let text = text.replace('{', " { ;").replace('}', " } ;");
    let mut path: Vec<String> = Vec::new();
    let mut fields = Fields::new();
    for statement in text.split(';') {
        let statement = statement.trim();
        if let Some(head) = statement.strip_suffix('{') {
            let words: Vec<&str> = head.split_whitespace().collect();
            path.push(format!("{} {}", words[0], words[1]));
            continue;
        }
        if statement == "}" {
            path.pop();
            continue;
        }
        let Some((left, number)) = statement.split_once('=') else {
            continue;
        };
        let Ok(number) = number.trim().parse::<u32>() else {
            continue;
        };
        if path.last().is_some_and(|block| block.starts_with("enum")) {
            continue;
        }
        let message = path
            .iter()
            .rev()
            .find_map(|block| block.strip_prefix("message "))
            .unwrap();
        let field = left.split_whitespace().last().unwrap();
        fields.insert((message.into(), field.into()), number);
    }
    fields
}

fn rust_fields() -> Fields {
    let mut fields = Fields::new();
    let mut message = String::new();
    let mut tag = None;
    for line in RUST.lines() {
        let line = line.trim();
        if let Some(rest) = line
            .strip_prefix("pub struct ")
            .or_else(|| line.strip_prefix("pub enum "))
        {
            message = rest.split([' ', '{']).next().unwrap().into();
        } else if let Some(at) = line.find("tag = \"") {
            tag = line[at + 7..]
                .split('"')
                .next()
                .and_then(|text| text.parse::<u32>().ok());
        } else if let Some(number) = tag.take() {
            let name = line
                .trim_start_matches("pub ")
                .split([':', '('])
                .next()
                .unwrap();
            fields.insert((message.clone(), snake(name)), number);
        }
    }
    // The fields of a oneof are written in its message.
    fields
        .into_iter()
        .map(|((message, field), number)| {
            let owner = match message.as_str() {
                "Request" => "Open".into(),
                "How" => "Exit".into(),
                _ => message,
            };
            ((owner, field), number)
        })
        .collect()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

#[test]
fn every_field_has_the_number_of_the_schema() {
    let (proto, rust) = (proto_fields(), rust_fields());
    assert!(
        proto.len() > 90,
        "{} fields read from the schema",
        proto.len()
    );
    for (field, number) in &proto {
        assert_eq!(rust.get(field), Some(number), "{field:?}");
    }
    for field in rust.keys() {
        assert!(proto.contains_key(field), "{field:?} is not in the schema");
    }
}
