/** What the guest's shell prints when it waits for a command. */
export const PROMPT = 'guest# ';
