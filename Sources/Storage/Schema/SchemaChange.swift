/// One statement of a schema's step.
enum SchemaChange: ExpressibleByStringLiteral {
  /// What follows `CREATE`.
  case create(String)
  /// Changes what earlier steps made. `shadow` follows `CREATE TEMP` where the file must stay as it is, with `stored.`
  /// before the names of the file's own tables; `nil` where nobody would notice. A view in the place of a table shows
  /// its `rowid` where other views count by it.
  case change([String], shadow: String? = nil)

  init(stringLiteral definition: String) { self = .create(definition) }
}
