# A shim for tools that know only node-gyp: it runs the same CMake build. It stays out of the
# package (`files`), where npm would run node-gyp by itself on the user's machine.
{
  "targets": [
    {
      "target_name": "eigenscape",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/eigenscape.node"],
          "action": ["node", "scripts/build-addon.mjs", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
