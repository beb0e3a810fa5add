internal import Crypto

/// The node's side of a call, for simulators.
extension ContractCall {
  /// The numbered calls of a request's body. What is not `eth_call` of a function known here is refused.
  package static func calls(in body: [UInt8]) throws(VenueError) -> [(id: Int64, call: ContractCall)] {
    try VenueAnswer(status: 200, body: body).scan { scanner throws(VenueError) in
      guard scanner.peek() == .array else { return [try scanner.call()] }
      var calls: [(id: Int64, call: ContractCall)] = []
      try scanner.array { scanner, _ throws(VenueError) in calls.append(try scanner.call()) }
      return calls
    }
  }

  package static func answer(id: Int64, _ result: [UInt8]) -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":\"0x\(result.hexadecimal)\"}"
  }

  /// What a contract returns for one unsigned integer.
  package static func result(_ value: UInt64) -> [UInt8] { ABIWord.bytes(value) }

  /// What a contract returns for a text.
  package static func result(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    let padding = (ABIWord.size - bytes.count % ABIWord.size) % ABIWord.size
    return ABIWord.bytes(ABIWord.size) + ABIWord.bytes(bytes.count) + bytes + [UInt8](repeating: 0, count: padding)
  }
}

extension ContractCall.Function {
  /// `nil` for a function not known here, or an argument that is none.
  fileprivate init?(data: [UInt8]) {
    let argument = data.dropFirst(4)
    switch (data.prefix(4).hexadecimal, argument.count) {
    case ("feaf968c", 0): self = .latestRoundData
    case ("313ce567", 0): self = .decimals
    case ("7284e416", 0): self = .description
    case ("54fd4d50", 0): self = .version
    case ("58303b10", 0): self = .phase
    case ("245a7bfc", 0): self = .aggregator
    case ("668a0f02", 0): self = .latestRound
    case ("9a6fc8f5", ABIWord.size):
      guard let id = RoundID(word: argument) else { return nil }
      self = .roundData(id)
    case ("c1597304", ABIWord.size):
      guard let phase = ABIWord.unsigned(argument).flatMap(UInt16.init(exactly:)) else { return nil }
      self = .aggregatorOfPhase(phase)
    default: return nil
    }
  }
}

extension JSONScanner {
  fileprivate mutating func call() throws(VenueError) -> (id: Int64, call: ContractCall) {
    var id: Int64?
    var method = ""
    var call: ContractCall?
    try object { scanner, key throws(VenueError) in
      switch key {
      case "id": id = try scanner.integer()
      case "method": method = try scanner.string()
      case "params":
        try scanner.array { scanner, index throws(VenueError) in
          guard index == 0, scanner.peek() == .object else { return try scanner.skip() }
          call = try scanner.contractCall()
        }
      default: try scanner.skip()
      }
    }
    guard method == "eth_call" else { throw .unknown(kind: method) }
    guard let id, let call else { throw malformed("a call without id or parameters") }
    return (id, call)
  }

  private mutating func contractCall() throws(VenueError) -> ContractCall? {
    var address = ""
    var data: [UInt8] = []
    try object { scanner, key throws(VenueError) in
      switch key {
      case "to": address = try scanner.string()
      case "data", "input": data = try scanner.prefixedHexadecimal()
      default: try scanner.skip()
      }
    }
    guard let function = ContractCall.Function(data: data) else {
      throw .unknown(kind: "function 0x" + data.prefix(4).hexadecimal)
    }
    return ContractCall(address, function)
  }
}
