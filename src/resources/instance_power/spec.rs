//! The spec of an instance's power.

use crate::model::{Fields, KindText};

/// The kind's name.
pub const KIND: &str = "instance_power";

/// The kind in words. Whoever starts or stops an instance last decides.
pub(super) const TEXT: KindText =
    KindText { kind: KIND, noun: "power state", plural: "power states", shared: true, summary };

/// Whether an instance runs, or is on its way there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Pending or running.
    Running,
    /// Stopping or stopped.
    Stopped,
    /// Stopping or stopped, and told to keep its memory. AWS shows it as stopped.
    Hibernated,
}

impl Power {
    /// The power of an instance in this state; `None` for one that is gone or going.
    ///
    /// Source: "`InstanceState`" in the EC2 API reference.
    pub fn of_state(state: &str) -> Option<Self> {
        match state {
            "pending" | "running" => Some(Self::Running),
            "stopping" | "stopped" => Some(Self::Stopped),
            _ => None,
        }
    }

    /// The field map that the planner compares.
    pub fn to_fields(self) -> Fields {
        Fields::from([("state".to_owned(), self.name().into())])
    }

    /// The power of a field map; `None` where it is not one that [`Power::to_fields`] makes.
    pub fn from_fields(fields: &Fields) -> Option<Self> {
        let state = fields.get("state")?.as_str()?;
        [Self::Running, Self::Stopped, Self::Hibernated].into_iter().find(|power| power.name() == state)
    }

    /// What a resource of this power has as fields where these are wanted: what is stopped is as good as hibernated.
    pub fn seen_by(self, desired: Option<&Fields>) -> Fields {
        let hibernated = desired.and_then(Self::from_fields) == Some(Self::Hibernated);
        if hibernated && self == Self::Stopped { Self::Hibernated.to_fields() } else { self.to_fields() }
    }

    /// In which state it is in the end.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Hibernated => "hibernated",
        }
    }
}

pub(in crate::resources) fn summary(fields: &Fields) -> String {
    fields.get("state").and_then(|state| state.as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_its_way_counts_as_there() {
        for (state, power) in [
            ("pending", Some(Power::Running)),
            ("stopping", Some(Power::Stopped)),
            ("terminated", None),
            ("shutting-down", None),
        ] {
            assert_eq!(Power::of_state(state), power, "{state}");
        }
        for power in [Power::Running, Power::Stopped, Power::Hibernated] {
            assert_eq!(Power::from_fields(&power.to_fields()), Some(power));
        }
        let hibernated = Power::Hibernated.to_fields();
        assert_eq!(Power::Stopped.seen_by(Some(&hibernated)), hibernated);
        assert_eq!(Power::Running.seen_by(Some(&hibernated)), Power::Running.to_fields());
        assert_eq!(Power::Stopped.seen_by(Some(&Power::Stopped.to_fields())), Power::Stopped.to_fields());
    }
}
