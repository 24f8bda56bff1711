//! A value that is written literally or comes from a template.

use super::reader::{FromValue, Reading};
use super::scalar::Scalar;
use super::template::{RenderError, Template, Variables};
use super::value::Value;
use crate::model::{Diagnostic, Diagnostics};

/// A literal, or a template whose text becomes the value.
#[derive(Clone, Debug, PartialEq)]
pub enum Templated<T> {
    /// The value itself.
    Literal(T),
    /// A template to render per target.
    Template(Template),
}

impl<T: Scalar> Templated<T> {
    /// The value, where it needs no target.
    pub fn literal(&self) -> Option<&T> {
        match self {
            Self::Literal(value) => Some(value),
            Self::Template(_) => None,
        }
    }

    /// The template, where there is one.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Literal(_) => None,
            Self::Template(template) => Some(template),
        }
    }

    /// The value for these variables.
    ///
    /// # Errors
    /// Where the template cannot be rendered or its text does not fit the type.
    pub fn render(&self, variables: &Variables) -> Result<T, RenderError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Template(template) => {
                let text = template.render(variables)?;
                T::from_text(&text).map_err(|reason| RenderError::Unfit { text, reason })
            }
        }
    }
}

impl<T: Scalar> FromValue for Templated<T> {
    fn expected() -> String {
        let literal = T::expected();
        if literal == String::expected() {
            return literal;
        }
        format!("{literal}, or a template that gives one")
    }

    fn from_value(value: &Value, reading: &mut Reading<'_>) -> Option<Self> {
        if let Some(source) = value.as_str()
            && Template::is_template(source)
        {
            return from_template(source, value, reading);
        }
        // What the type says of a wrong literal leaves out that a template would do too.
        let literal = T::from_value(value, &mut Reading::new(reading.field.clone(), &mut Diagnostics::new()));
        if literal.is_none() {
            reading.unexpected(value, &Self::expected());
        }
        literal.map(Self::Literal)
    }
}

fn from_template<T: Scalar>(source: &str, value: &Value, reading: &mut Reading<'_>) -> Option<Templated<T>> {
    let template = match Template::new(source, value.place.clone()) {
        Ok(template) => template,
        Err(mut fault) => {
            fault.summary = format!("`{}`: {}", reading.field, fault.summary);
            reading.problem(*fault);
            return None;
        }
    };
    if !template.variables().is_empty() {
        return Some(Templated::Template(template));
    }
    // Without variables the template gives the same for every target, so it is known now.
    match Templated::Template(template).render(&Variables::default()) {
        Ok(value) => Some(Templated::Literal(value)),
        Err(error) => {
            let summary = format!("`{}`: template `{source}` {error}", reading.field);
            reading.problem(Diagnostic::error(summary).at(value.place.clone()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::duration::Seconds;
    use super::super::value::Data;
    use super::*;
    use crate::model::Place;

    fn read<T: Scalar>(data: Data) -> Result<Templated<T>, String> {
        let mut problems = Diagnostics::new();
        let value = Value { data, place: Place::Named("here".to_owned()) };
        let read = Templated::from_value(&value, &mut Reading::new("threshold", &mut problems));
        read.ok_or_else(|| problems.iter().map(|d| d.summary.clone()).collect())
    }

    fn text(text: &str) -> Data {
        Data::String(text.to_owned())
    }

    #[test]
    fn a_number_may_be_written_or_rendered() {
        assert_eq!(read(Data::Integer(90)), Ok(Templated::Literal(90.0)));
        assert_eq!(read(text("{{ 5 * 18 }}")), Ok(Templated::Literal(90.0)));
        let templated: Templated<f64> = read(text("{{ cpu }}")).unwrap();
        assert_eq!(templated.literal(), None);
        let with = |cpu: &str| templated.render(&Variables::new(vec![("cpu", cpu.into())]));
        assert_eq!(with("85.5"), Ok(85.5));
        assert_eq!(with("high").unwrap_err().to_string(), "gave `high`, which is not a number");
        let period: Templated<Seconds> = read(text("{{ p }}")).unwrap();
        assert_eq!(period.render(&Variables::new(vec![("p", "5m".into())])), Ok(Seconds(300)));
    }

    #[test]
    fn wrong_literals_and_wrong_templates_are_told_when_read() {
        assert_eq!(
            read::<f64>(text("90")).unwrap_err(),
            "`threshold`: expected a number, or a template that gives one, found the string \"90\""
        );
        assert_eq!(
            read::<f64>(text("{{ 'high' }}")).unwrap_err(),
            "`threshold`: template `{{ 'high' }}` gave `high`, which is not a number"
        );
        assert_eq!(
            read::<String>(text("{{ name")).unwrap_err(),
            "`threshold`: template syntax: unexpected end of input, expected end of variable block"
        );
        assert_eq!(read(text("plain")), Ok(Templated::Literal("plain".to_owned())));
    }
}
