/** What stopped the set-up, said so that nothing but the message needs reading. */
export class SetupFailure extends Error {}
