internal import Crypto

/// A read of a feed's contract through a node.
package struct ContractCall: Hashable, Sendable {
  /// Of the contract, `0x` and forty hexadecimal digits.
  package var address: String
  package var function: Function

  package enum Function: Hashable, Sendable {
    case latestRoundData, decimals, description, version, phase, aggregator, latestRound
    case roundData(RoundID)
    case aggregatorOfPhase(UInt16)
  }

  package init(_ address: String, _ function: Function) { (self.address, self.function) = (address, function) }

  /// The call's data: four bytes of the function's Keccak hash, and its argument.
  package var data: String {
    switch function {
    case .latestRoundData: "0xfeaf968c"
    case .decimals: "0x313ce567"
    case .description: "0x7284e416"
    case .version: "0x54fd4d50"
    case .phase: "0x58303b10"
    case .aggregator: "0x245a7bfc"
    case .latestRound: "0x668a0f02"
    case .roundData(let id): "0x9a6fc8f5" + ABIWord.bytes(id.number).hexadecimal
    case .aggregatorOfPhase(let phase): "0xc1597304" + ABIWord.bytes(phase).hexadecimal
    }
  }

  package func json(id: Int) -> String {
    "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"eth_call\",\"params\":"
      + "[{\"to\":\"\(address)\",\"data\":\"\(data)\"},\"latest\"]}"
  }

  /// Several calls at once, numbered from 1; a single one is not wrapped.
  package static func body(_ calls: [ContractCall]) -> [UInt8] {
    let texts = calls.enumerated().map { $1.json(id: $0 + 1) }
    return Array((texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ",") + "]").utf8)
  }

  /// What a contract returned, or why it returned nothing.
  package typealias Result = Swift.Result<[UInt8], VenueError>

  /// The results of `body`'s calls in their order, whatever the order of the answers.
  ///
  /// - Throws: if the answer as a whole is bad or one of the calls is not answered.
  package static func results(of count: Int, in answer: VenueAnswer) throws(VenueError) -> [Result] {
    try answer.requireSuccess { $0.rpcErrorText }
    var byID: [Int64: Result] = [:]
    try answer.scan { scanner throws(VenueError) in
      guard scanner.peek() == .array else { return try scanner.rpcAnswer(status: answer.status, into: &byID) }
      try scanner.array { scanner, _ throws(VenueError) in
        try scanner.rpcAnswer(status: answer.status, into: &byID)
      }
    }
    var results: [Result] = []
    for id in 0..<count {
      guard let result = byID[Int64(id + 1)] else {
        throw .malformed(offset: 0, reason: "call \(id + 1) of \(count) is not answered")
      }
      results.append(result)
    }
    return results
  }
}

/// Meanings of what simple functions return.
extension [UInt8] {
  /// An unsigned word of at most 64 bits.
  package func abiInteger(_ field: String) throws(VenueError) -> UInt64 {
    guard let value = ABIWord.unsigned(self) else {
      throw .badValue(field: field, value: "0x" + prefix(40).hexadecimal, reason: "not one word of at most 64 bits")
    }
    return value
  }

  /// `nil` for the zero address.
  package func abiAddress() throws(VenueError) -> String? {
    guard count == ABIWord.size, prefix(12).allSatisfy({ $0 == 0 }) else {
      throw .badValue(field: "address", value: "0x" + prefix(40).hexadecimal, reason: "not one word of 160 bits")
    }
    let address = suffix(20)
    return address.allSatisfy { $0 == 0 } ? nil : "0x" + address.hexadecimal
  }

  package func abiText() throws(VenueError) -> String {
    guard count >= 2 * ABIWord.size, ABIWord.unsigned(prefix(ABIWord.size)) == UInt64(ABIWord.size),
      let length = ABIWord.unsigned(self[ABIWord.size..<2 * ABIWord.size]), length <= count - 2 * ABIWord.size
    else { throw .malformed(offset: 0, reason: "not a string as contracts return it") }
    return String(decoding: self[2 * ABIWord.size..<2 * ABIWord.size + Int(length)], as: UTF8.self)
  }
}

extension VenueAnswer {
  /// The message of a JSON-RPC error, which some nodes send with an error status.
  fileprivate var rpcErrorText: String? {
    var results: [Int64: ContractCall.Result] = [:]
    try? scan { scanner throws(VenueError) in try scanner.rpcAnswer(status: status, into: &results) }
    guard case .failure(.refused(_, _, let reason)) = results.values.first else { return nil }
    return reason
  }
}

extension JSONScanner {
  fileprivate mutating func rpcAnswer(
    status: Int, into results: inout [Int64: ContractCall.Result]
  ) throws(VenueError) {
    var id: Int64?
    var result: [UInt8]?
    var failure: VenueError?
    try object { scanner, key throws(VenueError) in
      switch key {
      case "id":
        id = scanner.peek() == .number ? try scanner.integer() : nil
        if id == nil { try scanner.skip() }
      case "result": result = try scanner.prefixedHexadecimal()
      case "error": failure = try scanner.rpcError(status: status)
      default: try scanner.skip()
      }
    }
    if let failure {
      guard let id else { throw failure }
      return results[id] = .failure(failure)
    }
    guard let id, let result else { throw malformed("an answer without id or result") }
    results[id] = result.isEmpty ? .failure(.noContract) : .success(result)
  }

  private mutating func rpcError(status: Int) throws(VenueError) -> VenueError {
    var code: Int?
    var message = ""
    try object { scanner, key throws(VenueError) in
      switch key {
      case "code": code = Int(try scanner.integer())
      case "message": message = String(try scanner.string().prefix(200))
      default: try scanner.skip()
      }
    }
    return .refused(status: status, code: code, reason: message)
  }
}

extension VenueError {
  fileprivate static let noContract = VenueError.badValue(
    field: "result", value: "0x", reason: "no contract at this address: wrong chain or wrong address")
}
