//! A library that panics on damaged files must not take the program down, nor fill the screen.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread is within [`contained`].
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives; `None` where it panics. The panic is not printed: the caller says what it means.
pub(super) fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !WITHIN.get() {
                print(panic);
            }
        }));
    });
    WITHIN.set(true);
    // Nothing of what was being built is looked at after a panic.
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    WITHIN.set(false);
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here() {
        assert_eq!(contained(|| 3), Some(3));
        assert_eq!(contained(|| [0; 2][Vec::<u8>::new().len() + 2]), None);
        assert!(panic::catch_unwind(|| assert!(WITHIN.get())).is_err(), "panics outside are not caught");
    }
}
