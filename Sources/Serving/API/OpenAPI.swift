package import Operations

/// The description of an API in OpenAPI 3.1, made of the routes themselves.
package enum OpenAPI {
  package static func document(_ routes: [Route], version: String) -> JSONValue {
    var paths: [JSONValue.Member] = []
    for path in routes.map(\.path).unique {
      let methods = routes.filter { $0.path == path }.map { route in
        JSONValue.Member(route.method.lowercased(), operation(route))
      }
      paths.append(.init(path, .object(methods)))
    }
    return [
      "openapi": "3.1.0", "info": ["title": "Candlecast", "version": .text(version)], "paths": .object(paths),
      "security": [[:], ["token": []]],
      "components": [
        "schemas": ["Error": error], "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
      ],
    ]
  }

  private static func operation(_ route: Route) -> JSONValue {
    var members: [JSONValue.Member] = []
    if let schema = route.bodySchema {
      members.append(
        .init("requestBody", ["required": true, "content": ["application/json": ["schema": schema]]]))
    }
    guard case .object(let rest) = described(route) else { return .null }
    return .object(members + rest)
  }

  private static func described(_ route: Route) -> JSONValue {
    [
      "summary": .text(route.summary),
      "parameters": .array(
        route.placeNames.map { name in
          ["name": .text(name), "in": "path", "required": true, "schema": ["type": "string"]]
        }
          + route.parameters.map { parameter in
            [
              "name": .text(parameter.name), "in": "query", "required": false, "description": .text(parameter.about),
              "schema": parameter.schema,
            ]
          }),
      "responses": [
        "200": [
          "description": "the answer",
          "content": .object([.init(route.contentType, ["schema": route.schema])]),
        ],
        "default": [
          "description": "why there is none",
          "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
        ],
      ],
    ]
  }

  private static let error: JSONValue = [
    "type": "object", "required": ["error"],
    "properties": [
      "error": [
        "type": "object", "required": ["code", "message"],
        "properties": [
          "code": ["type": "string"], "message": ["type": "string"],
          "expected": ["description": "what would have been right, where a program can use it"],
        ],
      ]
    ],
  ]
}

extension [String] {
  /// In the order of their first ones.
  fileprivate var unique: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
