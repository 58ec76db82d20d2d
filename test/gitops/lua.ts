import { to_luastring as bytes, type LuaState, lauxlib, lua, lualib } from 'fengari';

/** What a health check of Argo CD says. */
export interface Health {
  readonly status: string | null;
  readonly message: string | null;
}

/** Numbers are pushed as floats: Argo CD's Lua, of version 5.1, has no others. */
function push(state: LuaState, value: unknown): void {
  if (typeof value === 'string') lua.lua_pushstring(state, bytes(value));
  else if (typeof value === 'number') lua.lua_pushnumber(state, value);
  else if (typeof value === 'boolean') lua.lua_pushboolean(state, value);
  else pushTable(state, value as object);
}

function pushTable(state: LuaState, value: object): void {
  lua.lua_createtable(state, 0, 0);
  if (Array.isArray(value)) {
    value.forEach((item, index) => {
      push(state, item);
      lua.lua_rawseti(state, -2, index + 1);
    });
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    push(state, item);
    lua.lua_setfield(state, -2, bytes(key));
  }
}

function takeField(state: LuaState, name: string): string | null {
  lua.lua_getfield(state, -1, bytes(name));
  const value = lua.lua_tojsstring(state, -1);
  lua.lua_pop(state, 1);
  return value;
}

/**
 * Runs a health check as Argo CD does (argo-cd, util/lua/lua.go): the object is the global `obj`, and of Lua's
 * libraries there are no others than the basic one and that of tables. Throws where the script fails.
 */
export function healthOf(script: string, object: unknown): Health {
  const state = lauxlib.luaL_newstate();
  lauxlib.luaL_requiref(state, bytes('_G'), lualib.luaopen_base, 1);
  lauxlib.luaL_requiref(state, bytes('table'), lualib.luaopen_table, 1);
  lua.lua_pop(state, 2);
  push(state, JSON.parse(JSON.stringify(object)));
  lua.lua_setglobal(state, bytes('obj'));
  const loaded = lauxlib.luaL_loadstring(state, bytes(script));
  const ended = loaded === lua.LUA_OK ? lua.lua_pcall(state, 0, 1, 0) : loaded;
  if (ended !== lua.LUA_OK) throw new Error(lua.lua_tojsstring(state, -1) ?? 'no message');
  if (!lua.lua_istable(state, -1)) throw new Error('the script returns no table');
  return { status: takeField(state, 'status'), message: takeField(state, 'message') };
}
