/** Whether an answer of the engine's program tells of an error, as rule-engine/judge.go writes it. */
export function isError(text: string): boolean {
  return text.startsWith('{"verdict":false,"error":');
}
