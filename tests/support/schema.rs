//! A check of JSON by the program's own schemas.

use serde_json::Value;

/// Checks a value by the parts of JSON Schema that schemars writes.
pub(crate) fn fits(schema: &Value, value: &Value, root: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        return fits(&root["$defs"][name], value, root);
    }
    if let Some(any) = schema.as_bool() {
        return any
            .then_some(())
            .ok_or_else(|| format!("{value} is not to be there"));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let errors: Vec<String> = choices
                .iter()
                .filter_map(|one| fits(one, value, root).err())
                .collect();
            let fitting = choices.len() - errors.len();
            if fitting == 0 || (choice == "oneOf" && fitting > 1) {
                return Err(format!("{fitting} of {choice} fit {value}: {errors:?}"));
            }
        }
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        return Err(format!("{value} is not {constant}"));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|allowed| !allowed.contains(value))
    {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(&kind) {
        return Err(format!("{value} is no {types:?}"));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap()).is_none() {
            return Err(format!("{required} is missing in {value}"));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let property = schema["properties"].get(name);
        if let Some(property) = property.or_else(|| schema.get("additionalProperties")) {
            fits(property, inner, root)?;
        }
    }
    for item in value.as_array().into_iter().flatten() {
        fits(&schema["items"], item, root)?;
    }
    Ok(())
}
