//! The snapshots that rules take: they bear no tags, and are known by their volume and their time.

use crate::declarations::target_problems::TargetProblems;
use crate::declarations::{Products, Records, Selected, Unclaimed, World};
use crate::inventory::TargetKind;
use crate::model::{Actual, Claim, Desired, Ownership, TargetRef};
use crate::resources::snapshot::{KIND, own_tags};

use super::Snapshots;
use super::rendering::Rendering;
use super::since::Recorded;
use super::taken::Taken;

impl Snapshots {
    /// The volumes of which its rules take snapshots that can be known.
    pub(super) fn products_of(&self, records: &Records) -> Vec<Products> {
        let of_rule = |rule: Recorded<'_>| Products {
            kind: KIND,
            scope: rule.scope.clone(),
            targets: rule
                .volumes
                .into_iter()
                .filter(|(_, since)| since.is_some())
                .map(|(id, _)| id)
                .collect(),
        };
        self.recorded(records).map(of_rule).collect()
    }

    fn taken<'a>(&self, world: &World<'a>) -> Vec<Taken<'a>> {
        // What is to be said was said when it was found.
        let (taken, _) = self.taken_by_rules(&Unclaimed {
            records: world.records,
            tagged: world.tagged,
            found: world.untagged,
            now: world.now,
        });
        taken
    }

    /// What is there as it will be when it is ours.
    pub(super) fn adopted(&self, world: &World<'_>) -> Vec<Actual> {
        let ours = Ownership::Project { name: self.project.clone(), label: Some(self.label.clone()) };
        let taken = self.taken(world).into_iter();
        taken.map(|Taken { live, .. }| Actual { ownership: ours.clone(), ..live.clone() }).collect()
    }

    /// What is to be adopted.
    pub(super) fn adoptions(&self, selected: &[Selected<'_>], world: &World<'_>) -> Vec<Desired> {
        let adoption = |Taken { live, mut snapshot, fired }: Taken<'_>| {
            let of_it = |selected: &&Selected<'_>| {
                (&selected.target.scope, &selected.target.id) == (&live.address.scope, &snapshot.volume)
            };
            let target = if let Some(selected) = selected.iter().find(of_it) {
                let target = selected.target.reference();
                // What is wrong with the templates was told with the rules.
                let mut told = TargetProblems::default();
                let texts = Rendering::new(self, selected, &mut told).texts(&target)?;
                snapshot.tags = texts.tags.into_iter().collect();
                target
            } else {
                // Of a volume that is gone or no longer selected nothing is known that templates could use.
                let id = snapshot.volume.clone();
                snapshot.tags = own_tags(&self.project, &self.label).into();
                snapshot.tags.insert("Name".to_owned(), format!("{id} {}", self.short_label));
                TargetRef { kind: TargetKind::Ebs.name().to_owned(), name: id.clone(), id }
            };
            Some(Desired {
                fields: snapshot.to_fields(),
                claim: Claim::AdoptByTag { why: format!("taken by its rule at {}", self.in_words(fired)) },
                protect: false,
                ..self.desired_of(live.address.clone(), target)
            })
        };
        self.taken(world).into_iter().filter_map(adoption).collect()
    }
}
