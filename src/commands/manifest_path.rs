//! Files as a manifest names them.

use std::path::{Component, Path, PathBuf};

/// The path of a file as a manifest in this folder names it.
pub(super) fn relative(file: &Path, folder: &Path) -> String {
    let slashes = |path: &Path| path.to_string_lossy().replace('\\', "/");
    if file.is_absolute() {
        return slashes(file);
    }
    let plain = |path: &Path| -> Option<Vec<String>> {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        parts
            .map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect()
    };
    let (Some(from), Some(to)) = (plain(folder), plain(file)) else {
        // With `..` in it, or an absolute folder, only the disk knows.
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        return slashes(&absolute);
    };
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    path.extend(std::iter::repeat_n("..", from.len() - shared));
    path.extend(&to[shared..]);
    slashes(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_folder_of_the_manifest() {
        for (file, folder, expected) in [
            ("alarms.xlsx", "manifests", "../alarms.xlsx"),
            ("manifests/alarms.xlsx", "manifests", "alarms.xlsx"),
            ("./lists/a.csv", "ops/manifests", "../../lists/a.csv"),
            ("a.csv", "", "a.csv"),
            ("/srv/a.csv", "manifests", "/srv/a.csv"),
        ] {
            assert_eq!(relative(Path::new(file), Path::new(folder)), expected, "{file} from {folder}");
        }
        assert!(relative(Path::new("../a.csv"), Path::new("manifests")).ends_with("/a.csv"));
    }
}
