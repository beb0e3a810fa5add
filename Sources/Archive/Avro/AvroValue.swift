/// A value of a record. What a union holds is the value itself.
package enum AvroValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// An `int` or `long`, a timestamp in the unit of its schema.
  case integer(Int64)
  /// A `float` or `double`.
  case number(Double)
  /// `bytes` or `fixed`.
  case bytes([UInt8])
  /// A `string`, or the symbol of an `enum`.
  case text(String)
  /// Times ten to the scale that the schema says.
  case decimal(Int128)
  case array([AvroValue])
  case map([String: AvroValue])
  /// In the order of the schema's fields.
  case record([AvroValue])
}
