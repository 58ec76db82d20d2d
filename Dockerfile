# Argo's rule engine, as WebAssembly.
FROM golang:1.26 AS rule-engine
WORKDIR /src
COPY operator/argo/rule-engine/go.mod operator/argo/rule-engine/go.sum ./
RUN go mod download
COPY operator/argo/rule-engine/ ./
RUN GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o /rule-engine.wasm .

# What the operator needs at run time; install scripts are for development alone.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY operator/package.json operator/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY operator operator
COPY --from=rule-engine /rule-engine.wasm operator/argo/rule-engine.wasm
# The user `node` of the image; the Deployment asks for the same number.
USER 1000:1000
ENTRYPOINT ["node", "operator/main.ts"]
CMD ["--config", "/etc/argo-access/config.yaml", "--health", "0.0.0.0:8080"]
