//! Where coordinates start and end, as the file says it.
//!
//! Where `coordinate u = log(sigma)` replaced a coordinate, the file may speak of either: `start sigma
//! = 1` is `u(0) = 0`.

use crate::model::types::{Model, Value};
use crate::symbolic::Q;
use crate::symbolic::eval::{Env, eval};
use crate::symbolic::number::to_f64;
use std::collections::BTreeMap;

/// The value of a coordinate among those given, under its own name or that of the one it replaced.
pub(super) fn stated(
    model: &Model,
    given: &BTreeMap<String, Value>,
    name: &str,
) -> Option<Value> {
    if let Some(own) = given.get(name) {
        return Some(own.clone());
    }
    let change = model.changes.iter().find(|change| *change.new.name == *name)?;
    // The one it replaced may itself have replaced another.
    let old = stated(model, given, &change.old)?;
    let mut env = Env::new();
    for constant in &model.constants {
        if let Some(Value::Scalar(value)) = model.values.get(&*constant.symbol.name) {
            env.bind_scalar(&constant.symbol, to_f64(value));
        }
    }
    let old = match &old {
        Value::Scalar(value) => vec![to_f64(value)],
        Value::Vector(entries) => entries.iter().map(to_f64).collect(),
        Value::Matrix(_) => return None,
    };
    for symbol in change.value.symbols().iter().filter(|symbol| *symbol.name == *change.old) {
        env.bind_vector(symbol, &old);
    }
    let new = eval(&change.value, &env).ok()?;
    let entries: Vec<Q> =
        new.iter().map(|entry| Q::from_float(*entry)).collect::<Option<_>>()?;
    Some(match entries.as_slice() {
        [only] if change.new.shape.is_scalar() => Value::Scalar(only.clone()),
        _ => Value::Vector(entries),
    })
}
