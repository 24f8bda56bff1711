//! Answers in pages.

use super::AwsError;

/// Reads page after page and gives all items.
///
/// `read` gets the token of the page that it is to ask for, and gives the page's
/// items with the token of the next one; an empty token is none.
///
/// # Errors
/// That of the first page which could not be read: half an answer is none.
pub async fn pages<T, F>(mut read: impl FnMut(Option<String>) -> F) -> Result<Vec<T>, AwsError>
where
    // No async closure: the compiler does not see that what it gives is `Send`, which the boxed futures of kinds have to be.
    F: Future<Output = Result<(Vec<T>, Option<String>), AwsError>>,
{
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let (items, next) = read(token).await?;
        all.extend(items);
        token = next.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_page_is_asked_for_with_the_token_of_the_one_before() {
        let mut asked = Vec::new();
        let all = pages(|token: Option<String>| {
            let next = [Some("a"), Some("b"), Some("")][asked.len()].map(str::to_owned);
            asked.push(token);
            std::future::ready(Ok((vec![asked.len(); 2], next)))
        });
        assert_eq!(all.await.unwrap(), [1, 1, 2, 2, 3, 3]);
        assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
    }
}
