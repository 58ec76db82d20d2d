// What is used of fengari, which brings no types: the C interface of Lua, with strings as bytes.
declare module 'fengari' {
  export interface LuaState {
    readonly l_G: object;
  }
  type Opener = (state: LuaState) => number;

  export const lua: {
    readonly LUA_OK: number;
    lua_createtable(state: LuaState, items: number, fields: number): void;
    lua_getfield(state: LuaState, index: number, key: Uint8Array): number;
    lua_istable(state: LuaState, index: number): boolean;
    lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
    lua_pop(state: LuaState, count: number): void;
    lua_pushboolean(state: LuaState, value: boolean): void;
    lua_pushnumber(state: LuaState, value: number): void;
    lua_pushstring(state: LuaState, value: Uint8Array): void;
    lua_rawseti(state: LuaState, index: number, key: number): void;
    lua_setfield(state: LuaState, index: number, key: Uint8Array): void;
    lua_setglobal(state: LuaState, name: Uint8Array): void;
    lua_tojsstring(state: LuaState, index: number): string | null;
  };
  export const lauxlib: {
    luaL_loadstring(state: LuaState, script: Uint8Array): number;
    luaL_newstate(): LuaState;
    luaL_requiref(state: LuaState, name: Uint8Array, open: Opener, global: number): void;
  };
  export const lualib: { readonly luaopen_base: Opener; readonly luaopen_table: Opener };
  export function to_luastring(text: string): Uint8Array;
}
