//! Where in a document a value is.

/// The way to it, from the outside in.
#[derive(Default)]
pub(crate) struct Place(Vec<String>);

impl Place {
    /// The JSON pointer to it.
    pub(crate) fn pointer(&self) -> String {
        let escaped = |segment: &String| segment.replace('~', "~0").replace('/', "~1");
        self.0
            .iter()
            .flat_map(|segment| ["/".to_owned(), escaped(segment)])
            .collect()
    }

    /// How many objects and arrays it is in.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    /// Visits the value in `segment`.
    pub(crate) fn within<T>(&mut self, segment: String, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(segment);
        let visited = visit(self);
        self.0.pop();
        visited
    }
}
