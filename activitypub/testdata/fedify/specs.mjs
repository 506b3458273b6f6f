// The two forms of a signature, as tests call them and as Fedify does.
export const specs = { draft: "draft-cavage-http-signatures-12", rfc9421: "rfc9421" };
