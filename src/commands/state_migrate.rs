//! `state migrate`: the state goes to another place, and one that was cut off is finished by the next.

use anyhow::Result;

use super::args::{Global, LockArgs, PlaceArgs};
use super::environment::Environment;
use super::failure::{Exit, Failure};
use super::former_place::{FormerPlace, former_place};
use super::locking::{Asking, with_another_lock, with_lock};
use super::output::Output;
use super::session::{load_manifest, open_store};
use super::signals::Signals;
use crate::render::count_of;
use crate::state::{Locked, State, StateError, Store};

/// `opsform state migrate`
pub(super) async fn migrate(
    global: &Global,
    place: &PlaceArgs,
    args: &LockArgs,
    environment: &Environment,
) -> Result<Exit> {
    let output = Output::new(global, environment);
    let manifest = load_manifest(global, &output)?;
    let to = open_store(global, environment, &manifest.settings).await?;
    let FormerPlace { store: from, elsewhere } =
        former_place(global, environment, &manifest.settings, place).await?;
    if from.place() == to.place() {
        return Err(Failure::new(
            format!("the state is at {} already", to.place()),
            "say where it was with --from: a file, or s3://bucket/key",
        )
        .into());
    }
    let new_place = whole_place(&to, environment);
    check_source(&from, &to, &new_place).await?;
    let from = from.encrypted_as_it_is().await?;
    let asking = Asking { may_return: true, ..Asking::new("state migrate", args, &output, environment) };
    let of_source = Asking { elsewhere: &elsewhere, ..asking };
    with_lock(&from, of_source, async |source, signals| {
        with_another_lock(&to, asking, signals, async |target| {
            let journey = Move { from: &from, to: &to, new_place: &new_place, signals };
            output.note(&journey.finish(source, target).await?);
            Ok(Exit::Done)
        })
        .await
    })
    .await
}

/// Refuses before the lock is taken, which would make a folder for a state that is not there.
async fn check_source(from: &Store, to: &Store, new_place: &str) -> Result<()> {
    match from.read().await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(no_state(from)),
        // Only the locks may be left.
        Err(StateError::Migrated { to: went, .. }) if went == new_place && to.read().await?.is_some() => {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn no_state(store: &Store) -> anyhow::Error {
    Failure::new(
        format!("there is no state at {}", store.place()),
        "say where it was with --from: a file, or s3://bucket/key",
    )
    .into()
}

/// The place as it is found from anywhere on the machine.
fn whole_place(store: &Store, environment: &Environment) -> String {
    match store {
        Store::S3(store) => store.url(),
        Store::Local(store) => environment.folder.join(store.path()).display().to_string(),
    }
}

/// From one place to another, both locked.
struct Move<'a> {
    from: &'a Store,
    to: &'a Store,
    /// What the old place remembers of the new one.
    new_place: &'a str,
    signals: &'a Signals,
}

impl Move<'_> {
    /// Does what is left to do, and says what was done.
    ///
    /// The copy is there before the old document is set aside, and is known as a copy: wherever this is cut off, nothing
    /// is lost, and the next run goes on.
    async fn finish(&self, source: &mut Locked, target: &mut Locked) -> Result<String> {
        if source.state().serial == 0 && target.state().serial == 0 {
            return Err(no_state(self.from));
        }
        if source.state().serial == 0 {
            return Ok(format!("the state is at {} already", self.to.place()));
        }
        let copied = is_copy(source.state(), target.state());
        if !copied && target.state().serial > 0 {
            return Err(self.two_states(source.state(), target.state()));
        }
        // Half of it would be two states.
        self.signals.save().await;
        if !copied {
            // What a journal holds becomes part of the document.
            source.save().await?;
            *target.state_mut() = source.state().clone();
            target.save().await?;
        }
        let count = count_of(target.state().resources.len(), "resource", "resources");
        let aside = self.from.set_aside(self.new_place).await?;
        Ok(format!("brought {count} to {}; what was there is now {aside}", self.to.place()))
    }

    fn two_states(&self, old: &State, new: &State) -> anyhow::Error {
        let hint = if old.lineage == new.lineage {
            "they are of one lineage, and one of them was written since it was copied: compare them, and move the other away"
        } else {
            "compare the two; `opsform state push` replaces a state"
        };
        Failure::new(format!("there is a state at {} already", self.to.place()), hint).into()
    }
}

/// Whether the new state is the old one, as a migration that was cut off left it.
fn is_copy(old: &State, new: &State) -> bool {
    let records = |state: &State| (state.resources.clone(), state.unconfirmed.clone());
    old.lineage == new.lineage && new.serial >= old.serial && records(old) == records(new)
}
