//! What ids and states of each kind of target look like.

use crate::inventory::TargetKind;
use crate::manifest::{hint_for, suggestion};
use crate::model::Diagnostic;

/// What an id of this kind looks like, where this is none.
///
/// Sources: "EC2 resource IDs" in the EC2 user guide (8 or 17 hexadecimal digits), `CreateDBInstance` and
/// `CreateDBCluster` in the RDS API reference (1 to 63 letters, digits and hyphens, stored in lower case).
pub fn id_fault(kind: TargetKind, id: &str) -> Option<String> {
    let hint = match kind {
        TargetKind::Ec2 if is_ec2_id("i-", id) => return None,
        TargetKind::Ec2 => "an instance's id looks like `i-0123456789abcdef0`",
        TargetKind::Ebs if is_ec2_id("vol-", id) => return None,
        TargetKind::Ebs => "a volume's id looks like `vol-0123456789abcdef0`",
        TargetKind::Rds | TargetKind::RdsCluster if is_rds_identifier(id) => return None,
        TargetKind::Rds | TargetKind::RdsCluster => {
            "an identifier has lower-case letters, digits and `-` and begins with a letter"
        }
    };
    Some(hint.to_owned())
}

fn is_ec2_id(prefix: &str, id: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    id.strip_prefix(prefix)
        .is_some_and(|digits| [8, 17].contains(&digits.len()) && digits.bytes().all(hexadecimal))
}

fn is_rds_identifier(id: &str) -> bool {
    (1..=63).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// What is wrong with a state of this kind, where AWS has a closed list of them.
pub(super) fn state_fault(kind: TargetKind, state: &str) -> Option<Diagnostic> {
    let states = kind.states()?;
    if states.gone.contains(&state) {
        let summary = format!("{} that are {state} never count", kind.plural());
        return Some(Diagnostic::error(summary).hint("remove the state"));
    }
    (!states.living.contains(&state)).then(|| {
        let hint = if suggestion(state, states.living.iter().copied()).is_some() {
            hint_for(state, states.living, "")
        } else {
            let known: Vec<String> = states.living.iter().map(|state| format!("`{state}`")).collect();
            format!("states are {}", known.join(", "))
        };
        Diagnostic::error(format!("there is no {} state {state:?}", kind.singular())).hint(hint)
    })
}
