//! Policies in normal form: two documents that IAM takes for the same are equal.

use serde_json::{Map, Value};

/// A policy document in normal form: `Statement` is a list, in an order that follows from what is in it; where IAM takes a text or a
/// list of texts, a list of one is that one, and longer ones are sorted, each text once; conditions' values are texts. None
/// of that has a meaning ("IAM JSON policy elements reference" in the IAM user guide).
pub fn normal_policy(document: &Value) -> Value {
    let Value::Object(document) = document else { return document.clone() };
    let normal = document.iter().map(|(name, value)| {
        let value = if name == "Statement" { statements(value) } else { value.clone() };
        (name.clone(), value)
    });
    Value::Object(normal.collect())
}

fn statements(value: &Value) -> Value {
    let list = match value {
        Value::Array(list) => list.iter().map(statement).collect(),
        one => vec![statement(one)],
    };
    sorted(list)
}

fn statement(value: &Value) -> Value {
    let Value::Object(statement) = value else { return value.clone() };
    let normal = statement.iter().filter(|(name, value)| *name != "Sid" || *value != "");
    let normal = normal.map(|(name, value)| {
        let value = match &**name {
            "Action" | "NotAction" | "Resource" | "NotResource" => texts(value),
            "Principal" | "NotPrincipal" => each(value, texts),
            "Condition" => each(value, |keys| each(keys, texts)),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(normal.collect())
}

/// An object with each of its values in normal form; anything else as it is.
fn each(value: &Value, normal: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().map(|(name, value)| (name.clone(), normal(value))).collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

/// One text, or a sorted list of several.
fn texts(value: &Value) -> Value {
    let list = match value {
        Value::Array(list) => list.iter().map(text).collect(),
        one => return text(one),
    };
    match sorted(list) {
        Value::Array(mut list) if list.len() == 1 => list.remove(0),
        list => list,
    }
}

/// IAM takes `true` and `"true"` for the same, and `5` and `"5"`.
fn text(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => flag.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}

fn sorted(mut list: Vec<Value>) -> Value {
    list.sort_by_cached_key(Value::to_string);
    list.dedup();
    Value::Array(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_no_meaning_makes_no_difference() {
        let one = json!({"Version": "2012-10-17", "Statement": {
            "Sid": "", "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:GetObject"], "Resource": ["*"],
            "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericEquals": {"x": [2, 1]}},
        }});
        let other = json!({"Statement": [{
            "Resource": "*", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
            "Condition": {"NumericEquals": {"x": ["1", "2"]}, "Bool": {"aws:SecureTransport": "true"}},
            "Principal": {"Service": "lambda.amazonaws.com"},
        }], "Version": "2012-10-17"});
        assert_eq!(normal_policy(&one), normal_policy(&other));
        assert_eq!(normal_policy(&normal_policy(&one)), normal_policy(&one));
        let (allow, deny) = (json!({"Effect": "Allow"}), json!({"Effect": "Deny"}));
        let of = |list: [&Value; 2]| normal_policy(&json!({"Statement": list}));
        assert_eq!(of([&allow, &deny]), of([&deny, &allow]));
    }

    #[test]
    fn what_has_a_meaning_does() {
        let base = json!({"Statement": [{"Sid": "A", "Effect": "Allow", "Action": "a:B", "Resource": "*"}]});
        for (path, value) in [
            ("/Statement/0/Sid", json!("B")),
            ("/Statement/0/Effect", json!("Deny")),
            ("/Statement/0/Action", json!(["a:B", "a:C"])),
            ("/Statement/0/Resource", json!("arn:x")),
        ] {
            let mut other = base.clone();
            *other.pointer_mut(path).unwrap() = value;
            assert_ne!(normal_policy(&other), normal_policy(&base), "{path}");
        }
        assert_eq!(normal_policy(&json!("no policy")), json!("no policy"));
    }
}
