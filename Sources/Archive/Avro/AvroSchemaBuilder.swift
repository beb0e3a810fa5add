import Market

/// Makes the list of a schema's types out of its JSON.
struct AvroSchemaBuilder {
  private static let largestFixed = 1 << 20
  private static let primitives: [String: AvroType.Shape] = [
    "null": .null, "boolean": .boolean, "int": .int, "long": .long, "float": .float, "double": .double,
    "bytes": .bytes, "string": .string,
  ]

  private var types: [AvroType] = []
  private var named: [String: Int] = [:]

  var finished: [AvroType] { types }

  /// Returns the place of the type.
  mutating func add(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> Int {
    switch json {
    case .text(let name): try reference(name, namespace: namespace)
    case .array(let branches): try union(branches, namespace: namespace)
    case .object: try object(json, namespace: namespace)
    default: throw AvroFault("a type is a name, a list or an object")
    }
  }

  private mutating func append(_ shape: AvroType.Shape, _ logical: AvroType.Logical? = nil) -> Int {
    types.append(AvroType(shape: shape, logical: logical))
    return types.count - 1
  }

  private mutating func reference(_ name: String, namespace: String?) throws(AvroFault) -> Int {
    if let shape = Self.primitives[name] { return append(shape) }
    let full = name.utf8.contains(UInt8(ascii: ".")) ? name : (namespace.map { $0 + "." } ?? "") + name
    guard let place = named[full] ?? named[name] else { throw AvroFault("\(AvroFault.shown(name)) is no type") }
    return place
  }

  private mutating func union(_ branches: [SchemaJSON], namespace: String?) throws(AvroFault) -> Int {
    var places: [Int] = []
    var seen = Set<String>()
    for branch in branches {
      let place = try add(branch, namespace: namespace)
      if case .union = types[place].shape { throw AvroFault("a union holds another") }
      guard seen.insert(identity(of: place)).inserted else { throw AvroFault("a union names one type twice") }
      places.append(place)
    }
    guard !places.isEmpty else { throw AvroFault("a union is empty") }
    return append(.union(places))
  }

  /// What may occur once in a union.
  private func identity(of place: Int) -> String {
    switch types[place].shape {
    case .record(let record): "named " + record.name.full
    case .enumeration(let enumeration): "named " + enumeration.name.full
    case .fixed(let fixed): "named " + fixed.name.full
    default: types[place].kind
    }
  }

  private mutating func object(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> Int {
    guard let type = json["type"] else { throw AvroFault("an object has no \"type\"") }
    guard let name = type.string else { return try add(type, namespace: namespace) }
    switch name {
    case "record", "error": return try record(json, namespace: namespace)
    case "enum": return try enumeration(json, namespace: namespace)
    case "fixed": return try fixed(json, namespace: namespace)
    case "array":
      guard let items = json["items"] else { throw AvroFault("an array has no \"items\"") }
      return append(.array(of: try add(items, namespace: namespace)))
    case "map":
      guard let values = json["values"] else { throw AvroFault("a map has no \"values\"") }
      return append(.map(of: try add(values, namespace: namespace)))
    default:
      guard let shape = Self.primitives[name] else { return try reference(name, namespace: namespace) }
      return append(shape, Self.logical(json, of: shape))
    }
  }

  // MARK: Named types

  private mutating func record(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> Int {
    let name = try Self.name(json, namespace: namespace)
    guard let members = json["fields"]?.elements else { throw AvroFault("record \(name.full) has no \"fields\"") }
    let place = try enter(name, .record(.init(name: name, fields: [])))
    let inner = Self.namespace(of: name)
    var fields: [AvroType.Field] = []
    var seen = Set<String>()
    for member in members {
      let field = try field(member, of: name, namespace: inner)
      guard seen.insert(field.name).inserted else { throw AvroFault("\(name.full) has two fields \(field.name)") }
      fields.append(field)
    }
    types[place].shape = .record(.init(name: name, fields: fields))
    return place
  }

  private mutating func field(
    _ json: SchemaJSON, of record: AvroType.Name, namespace: String?
  ) throws(AvroFault) -> AvroType.Field {
    guard let name = json["name"]?.string, Self.isName(name) else {
      throw AvroFault("a field of \(record.full) has no proper \"name\"")
    }
    guard let type = json["type"] else { throw AvroFault("field \(name) of \(record.full) has no \"type\"") }
    let aliases = (json["aliases"]?.elements ?? []).compactMap(\.string)
    return AvroType.Field(
      name: name, aliases: aliases, type: try add(type, namespace: namespace), fallback: json["default"])
  }

  private mutating func enumeration(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> Int {
    let name = try Self.name(json, namespace: namespace)
    let symbols = (json["symbols"]?.elements ?? []).compactMap(\.string)
    guard !symbols.isEmpty, symbols.count == json["symbols"]?.elements?.count, Set(symbols).count == symbols.count,
      symbols.allSatisfy(Self.isName)
    else { throw AvroFault("enum \(name.full) has no proper \"symbols\"") }
    let fallback = json["default"]?.string
    guard fallback.map(symbols.contains) ?? true else {
      throw AvroFault("the default of enum \(name.full) is none of it")
    }
    return try enter(name, .enumeration(.init(name: name, symbols: symbols, fallback: fallback)))
  }

  private mutating func fixed(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> Int {
    let name = try Self.name(json, namespace: namespace)
    guard let size = json["size"]?.integer, (0...Self.largestFixed).contains(size) else {
      throw AvroFault("fixed \(name.full) has no \"size\" from 0 to \(Self.largestFixed)")
    }
    let shape = AvroType.Shape.fixed(.init(name: name, size: size))
    return try enter(name, shape, Self.logical(json, of: shape))
  }

  private mutating func enter(
    _ name: AvroType.Name, _ shape: AvroType.Shape, _ logical: AvroType.Logical? = nil
  ) throws(AvroFault) -> Int {
    guard named[name.full] == nil else { throw AvroFault("\(name.full) is defined twice") }
    let place = append(shape, logical)
    named[name.full] = place
    return place
  }

  private static func name(_ json: SchemaJSON, namespace: String?) throws(AvroFault) -> AvroType.Name {
    guard let name = json["name"]?.string,
      name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isName)
    else { throw AvroFault("a type has no proper \"name\": \(AvroFault.shown(json["name"]?.string ?? ""))") }
    let space = json["namespace"]?.string ?? namespace
    guard (space ?? "").split(separator: ".").allSatisfy(isName) else {
      throw AvroFault("\(name) has an odd namespace")
    }
    func full(_ name: String, _ space: String?) -> String {
      guard let space, !space.isEmpty, !name.utf8.contains(UInt8(ascii: ".")) else { return name }
      return space + "." + name
    }
    let own = full(name, space)
    let aliases = (json["aliases"]?.elements ?? []).compactMap(\.string)
    let result = AvroType.Name(full: own, aliases: [])
    return AvroType.Name(full: own, aliases: aliases.map { full($0, Self.namespace(of: result)) })
  }

  private static func namespace(of name: AvroType.Name) -> String? {
    let parts = name.full.split(separator: ".").dropLast()
    return parts.isEmpty ? nil : parts.joined(separator: ".")
  }

  private static func isName(_ text: some StringProtocol) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) || byte == 95 }
    guard let first = text.utf8.first, text.utf8.count <= 256 else { return false }
    return isLetter(first) && text.utf8.allSatisfy { isLetter($0) || $0.isDigit }
  }

  // MARK: Logical types

  private static func logical(_ json: SchemaJSON, of shape: AvroType.Shape) -> AvroType.Logical? {
    switch (json["logicalType"]?.string, shape) {
    case ("decimal", .bytes): decimal(json, mostDigits: 38)
    case ("decimal", .fixed(let fixed)): decimal(json, mostDigits: digits(inBytes: fixed.size))
    case ("timestamp-millis", .long): .timestamp(.milliseconds)
    case ("timestamp-micros", .long): .timestamp(.microseconds)
    case ("timestamp-nanos", .long): .timestamp(.nanoseconds)
    default: nil
    }
  }

  /// A decimal with more digits than 38, or with senseless ones, is bytes.
  private static func decimal(_ json: SchemaJSON, mostDigits: Int) -> AvroType.Logical? {
    let scale = json["scale"].map { $0.integer ?? -1 } ?? 0
    guard let precision = json["precision"]?.integer, (1...38).contains(precision), precision <= mostDigits,
      (0...precision).contains(scale)
    else { return nil }
    return .decimal(precision: precision, scale: scale)
  }

  /// Decimal digits of which any number fits into so many bytes.
  private static func digits(inBytes size: Int) -> Int {
    guard (1..<16).contains(size) else { return size < 1 ? 0 : 38 }
    var (largest, digits) = ((Int128(1) << (8 * size - 1) - 1), 0)
    while largest >= 9 {
      largest = (largest - 9) / 10
      digits += 1
    }
    return digits
  }
}
