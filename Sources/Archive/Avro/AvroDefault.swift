/// The values that a schema's JSON gives for fields that were not written.
struct AvroDefault {
  let types: [AvroType]

  func value(_ json: SchemaJSON, of type: Int, depth: Int) throws(AvroFault) -> AvroValue {
    guard depth < AvroResolver.deepest else { throw AvroFault("a default is nested too deep") }
    switch (types[type].shape, json) {
    case (.null, .null): return .null
    case (.boolean, .boolean(let value)): return .boolean(value)
    case (.int, .integer(let value)) where Int32(exactly: value) != nil: return .integer(value)
    case (.long, .integer(let value)): return .integer(value)
    case (.float, .integer(let value)), (.double, .integer(let value)): return .number(Double(value))
    case (.float, .number(let value)), (.double, .number(let value)): return .number(value)
    case (.string, .text(let value)): return .text(value)
    case (.bytes, .text(let value)): return try bytes(value, types[type].logical)
    case (.fixed(let fixed), .text(let value)) where value.unicodeScalars.count == fixed.size:
      return try bytes(value, types[type].logical)
    case (.enumeration(let enumeration), .text(let value)) where enumeration.symbols.contains(value):
      return .text(value)
    case (.array(let items), .array(let values)): return .array(try list(values, of: items, depth: depth))
    case (.map(let values), .object(let members)):
      var result: [String: AvroValue] = [:]
      for member in members { result[member.name] = try value(member.value, of: values, depth: depth + 1) }
      return .map(result)
    case (.union(let branches), _): return try first(of: branches, json, depth: depth)
    case (.record(let record), .object): return try self.record(record, json, depth: depth)
    default: throw AvroFault("a default is no \(types[type].kind)")
    }
  }

  private func list(_ values: [SchemaJSON], of type: Int, depth: Int) throws(AvroFault) -> [AvroValue] {
    var result: [AvroValue] = []
    for json in values { result.append(try value(json, of: type, depth: depth + 1)) }
    return result
  }

  private func record(
    _ record: AvroType.Record, _ json: SchemaJSON, depth: Int
  ) throws(AvroFault) -> AvroValue {
    var result: [AvroValue] = []
    for field in record.fields {
      guard let own = json[field.name] ?? field.fallback else {
        throw AvroFault("a default has no field \(field.name)")
      }
      result.append(try value(own, of: field.type, depth: depth + 1))
    }
    return .record(result)
  }

  /// The specification takes the first branch; writers exist that mean another.
  private func first(of branches: [Int], _ json: SchemaJSON, depth: Int) throws(AvroFault) -> AvroValue {
    for branch in branches {
      if let value = try? value(json, of: branch, depth: depth + 1) { return value }
    }
    throw AvroFault("a default fits no type of its union")
  }

  /// Each character up to U+00FF stands for a byte.
  private func bytes(_ text: String, _ logical: AvroType.Logical?) throws(AvroFault) -> AvroValue {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else {
        throw AvroFault("a default of bytes has a character above 255")
      }
      bytes.append(byte)
    }
    guard case .decimal = logical else { return .bytes(bytes) }
    guard let units = AvroDecimal.units(bytes[...]) else { throw AvroFault("a default is too long for a decimal") }
    return .decimal(units)
  }
}
