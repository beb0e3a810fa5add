/// Thrown to end a reading when there is enough.
struct Enough: Error {}
