export async function findMutations(_: (what: string) => void): Promise<boolean> {
  return true;
}
